#include <lamina/axes.hpp>
#include <lamina/layer.hpp>
#include <lamina/normalization.hpp>
using namespace lamina;

struct LayerNorm {
  Shape axes = {-1};
  double epsilon = 1e-5;
  bool weight = true, bias = true;

  void declare(Declaration& d) {
    d.formula("y = weight · (x − mean) / √(variance + epsilon) + bias, mean and variance of each sample over the axes");
    d.details(
        "The variance is the biased one. weight and bias have the sizes of the axes, in their order in x, and start at 1 and 0. "
        "Training and evaluation compute the same. Axes of one value are refused: its variance is 0, y would not depend on x. What PyTorch "
        "calls normalized_shape [a, b] is the axes [-2, -1].");
    d.source("Ba, Kiros & Hinton 2016, arXiv 1607.06450, equation 4");
    d.optional("axes", axes, "[-8, 7]", "axes that are normalised together; negative ones count from the last");
    d.optional("epsilon", epsilon, "(0, inf)", "added to the variance, so that nothing is divided by 0");
    d.optional("weight", weight, "whether a learned factor for each place along the axes is multiplied");
    d.optional("bias", bias, "whether a learned number for each place along the axes is added");
    d.example(R"({"axes": [1, -1]})", "[[3, 2, 5]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    const Shape from = x.shape();
    Shape order = axes_of(x, axes, "axes"), learned, laid(from.size(), 1);
    std::ranges::sort(order);
    for (int64_t axis : order) learned.push_back(laid[axis] = from[axis]);
    if (element_count(learned) < 2)
      throw Error(describe("it would normalise over one value, since the axes ", axes, " of the shape ", from, " hold no more"), "axes");
    const Tensor w = reshape(learned_or_neutral(s, "weight", weight, learned, 1), laid);
    const Tensor b = reshape(learned_or_neutral(s, "bias", bias, learned, 0), laid);
    return normalize(x, w, b, order, epsilon).y;
  }
};
LAMINA_LAYER(LayerNorm, "layer_norm", "every sample to mean 0 and variance 1 over some axes, then scale and shift")
