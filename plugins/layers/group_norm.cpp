#include <lamina/layer.hpp>
#include <lamina/normalization.hpp>
using namespace lamina;

struct GroupNorm {
  int64_t groups = 0;
  double epsilon = 1e-5;
  bool weight = true, bias = true;

  void declare(Declaration& d) {
    d.formula("y = weight · (x − mean) / √(variance + epsilon) + bias, mean and variance of each sample over the channels of a group");
    d.details(
        "Channels that stand together make a group; mean and biased variance are taken over them and all other axes but the batch. "
        "weight and bias are [channels] and start at 1 and 0. Training and evaluation compute the same, whatever the size of the "
        "batch. A group of one value is refused: its variance is 0, y would not depend on x.");
    d.source("Wu & He, ECCV 2018, section 3");
    d.required("groups", groups, "[1, 1048576]", "equal parts that the channels are cut into; 1: all channels together");
    d.optional("epsilon", epsilon, "(0, inf)", "added to the variance, so that nothing is divided by 0");
    d.optional("weight", weight, "whether a learned factor per channel is multiplied");
    d.optional("bias", bias, "whether a learned number per channel is added");
    d.input("x", "[batch, channels, …]");
    d.result("y", "[batch, channels, …]");
    d.example(R"({"groups": 2})", "[[3, 4, 5]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    if (x.rank() < 2) s.fail("wanted [batch, channels, …], got the shape ", x.shape());
    const int64_t channels = x.size(1), places = element_count(x.shape()) / (x.size(0) * channels);
    if (channels % groups) s.fail("groups = ", groups, " must divide the ", channels, " channels");
    const int64_t each = channels / groups;
    if (each * places < 2)
      s.fail("it would normalise over one value per group; the shape ", x.shape(), " needs fewer groups than ", groups);
    const Shape laid = {1, groups, each, 1};
    const Tensor w = reshape(learned_or_neutral(s, "weight", weight, {channels}, 1), laid);
    const Tensor b = reshape(learned_or_neutral(s, "bias", bias, {channels}, 0), laid);
    return reshape(normalize(reshape(x, {x.size(0), groups, each, places}), w, b, {2, 3}, epsilon).y, x.shape());
  }
};
LAMINA_LAYER(GroupNorm, "group_norm", "every group of channels to mean 0 and variance 1, then scale and shift")
