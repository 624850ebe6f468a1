#include <lamina/layer.hpp>
#include <lamina/normalization.hpp>
using namespace lamina;

struct InstanceNorm {
  double epsilon = 1e-5;
  bool weight = false, bias = false;

  void declare(Declaration& d) {
    d.formula("y = weight · (x − mean) / √(variance + epsilon) + bias, mean and variance of each channel of each sample");
    d.details(
        "Mean and biased variance are taken over the spatial axes. weight and bias, off unless asked for, are [channels] and start at "
        "1 and 0. Training and evaluation compute the same. `group_norm` with as many groups as channels is the same. One "
        "spatial place is refused: its variance is 0, y would not depend on x.");
    d.source("Ulyanov, Vedaldi & Lempitsky 2016, arXiv 1607.08022, equation 3");
    d.optional("epsilon", epsilon, "(0, inf)", "added to the variance, so that nothing is divided by 0");
    d.optional("weight", weight, "whether a learned factor per channel is multiplied");
    d.optional("bias", bias, "whether a learned number per channel is added");
    d.input("x", "[batch, channels, …] with at least one spatial axis");
    d.result("y", "[batch, channels, …]");
    d.example(R"({"weight": true, "bias": true})", "[[2, 3, 4, 5]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    if (x.rank() < 3) s.fail("wanted [batch, channels, …] with at least one spatial axis, got the shape ", x.shape());
    const Shape channels = {x.size(1)};
    if (element_count(x.shape()) == x.size(0) * x.size(1))
      s.fail("it would normalise over one place per channel; the shape ", x.shape(), " needs a larger picture");
    const Tensor w = per_channel(learned_or_neutral(s, "weight", weight, channels, 1), x);
    const Tensor b = per_channel(learned_or_neutral(s, "bias", bias, channels, 0), x);
    Shape spatial = all_axes(x);
    spatial.erase(spatial.begin(), spatial.begin() + 2);
    return normalize(x, w, b, spatial, epsilon).y;
  }
};
LAMINA_LAYER(InstanceNorm, "instance_norm", "every channel of every sample to mean 0 and variance 1")
