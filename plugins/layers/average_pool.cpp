#include <lamina/layer.hpp>
using namespace lamina;

struct AveragePool {
  PerAxis size, padding = 0;
  std::optional<PerAxis> stride;
  bool count_padding = false;

  void declare(Declaration& d) {
    d.formula("y[n, c, p] = 1/m · Σ_k x[n, c, stride · p + k − padding]");
    d.details(
        "m counts the elements of the window that lie inside x, as Keras and ONNX do; with count_padding it is the size of the "
        "whole window, as in PyTorch's default. Both agree without padding. Each spatial axis of y has ⌊(size of x + 2 · "
        "padding − size) / stride⌋ + 1 places.");
    d.source("LeCun, Bottou, Bengio & Haffner, Proc. IEEE 86 (1998), section II");
    d.required("size", size, "[1, 65536]", "size of the window along each spatial axis");
    d.optional("stride", stride, "[1, 65536]", "step of the window; absent: its size, so that windows do not overlap");
    d.optional("padding", padding, "[0, 65536]", "places added on both sides of each spatial axis, as zeros");
    d.optional("count_padding", count_padding, "whether padding counts in the divisor");
    d.input("x", "[batch, channels, (depth, height,) width]");
    d.result("y", "[batch, channels, (depth, height,) width]");
    d.example(R"({"size": 3, "stride": 2, "padding": 1})", "[[2, 3, 6, 7]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    const int axes = x.rank() - 2;
    if (axes < 1 || axes > 3) s.fail("wanted [batch, channels, …] with one to three spatial axes, got the shape ", x.shape());
    const Shape low = padding.at(axes);
    return average_pool(x, size.at(axes), {stride.value_or(size).at(axes), low, low}, count_padding);
  }
};
LAMINA_LAYER(AveragePool, "average_pool", "mean of each window")
