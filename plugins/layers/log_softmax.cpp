#include <lamina/axes.hpp>
#include <lamina/layer.hpp>
using namespace lamina;

struct LogSoftmax {
  int64_t axis = 1;

  void declare(Declaration& d) {
    d.formula("yᵢ = xᵢ − max x − log Σⱼ exp(xⱼ − max x), i and j along the axis");
    d.details("Exact where the logarithm of `softmax` would be −∞. Not to be put before the loss `cross_entropy`, which contains it.");
    d.source("Bridle, NIPS 2 (1989)");
    d.optional("axis", axis, "[-8, 7]", "axis along which exp(y) sums to 1; negative ones count from the last, 1 is the channels");
    d.example("{}", "[[3, 5, 2]]");
  }
  Tensor forward(Scope&, Tensor x) const { return log_softmax(x, axis_of(x, axis, "axis")); }
};
LAMINA_LAYER(LogSoftmax, "log_softmax", "logarithm of positive numbers with sum 1 along an axis")
