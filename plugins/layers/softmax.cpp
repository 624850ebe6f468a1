#include <lamina/axes.hpp>
#include <lamina/layer.hpp>
using namespace lamina;

struct Softmax {
  int64_t axis = 1;

  void declare(Declaration& d) {
    d.formula("yᵢ = exp(xᵢ − max x) / Σⱼ exp(xⱼ − max x), i and j along the axis");
    d.details("Not to be put before the loss `cross_entropy`, which takes the logits x themselves.");
    d.source("Bridle, NIPS 2 (1989)");
    d.optional("axis", axis, "[-8, 7]", "axis that sums to 1; negative ones count from the last, 1 is the channels");
    d.example("{}", "[[3, 5, 2]]");
  }
  Tensor forward(Scope&, Tensor x) const { return softmax(x, axis_of(x, axis, "axis")); }
};
LAMINA_LAYER(Softmax, "softmax", "positive numbers with sum 1 along an axis")
