#include <lamina/layer.hpp>
using namespace lamina;

struct MaxPool {
  PerAxis size, padding = 0;
  std::optional<PerAxis> stride;

  void declare(Declaration& d) {
    d.formula("y[n, c, p] = max_k x[n, c, stride · p + k − padding]");
    d.details(
        "Of equals the first wins and gets the gradient; padding never wins; NaN wins over all. Each spatial axis of y has "
        "⌊(size of x + 2 · padding − size) / stride⌋ + 1 places.");
    d.source("Zhou & Chellappa, ICNN 1988");
    d.required("size", size, "[1, 65536]", "size of the window along each spatial axis");
    d.optional("stride", stride, "[1, 65536]", "step of the window; absent: its size, so that windows do not overlap");
    d.optional("padding", padding, "[0, 65536]", "places added on both sides of each spatial axis, below every number");
    d.input("x", "[batch, channels, (depth, height,) width]");
    d.result("y", "[batch, channels, (depth, height,) width]");
    d.example(R"({"size": 2})", "[[2, 3, 6, 7]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    const int axes = x.rank() - 2;
    if (axes < 1 || axes > 3) s.fail("wanted [batch, channels, …] with one to three spatial axes, got the shape ", x.shape());
    const Shape low = padding.at(axes);
    return max_pool(x, size.at(axes), {stride.value_or(size).at(axes), low, low}).first;
  }
};
LAMINA_LAYER(MaxPool, "max_pool", "largest element of each window")
