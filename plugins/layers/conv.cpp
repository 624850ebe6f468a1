#include <lamina/layer.hpp>
using namespace lamina;

struct Conv {
  int64_t filters = 0, groups = 1;
  PerAxis kernel, stride = 1, dilation = 1;
  Padding padding;
  bool bias = true;

  void declare(Declaration& d) {
    d.formula("y[n, f, p] = bias[f] + Σ_{c, k} x[n, c, stride · p + dilation · k − padding] · weight[f, c, k]");
    d.details(
        "Over one, two or three spatial axes, as many as x has; the kernel is not flipped, and outside of x is zero. weight "
        "[filters, channels / groups, kernel…] starts from `he` on fan_in = channels / groups · ∏ kernel, because most nets "
        "that convolve rectify; bias [filters] starts at 0. Each spatial axis of y has ⌊(size + padding on both sides − dilation · "
        "(kernel − 1) − 1) / stride⌋ + 1 places. Groups cut channels and filters into equal parts that do not see each other; "
        "groups = channels is a depthwise convolution.");
    d.source("LeCun, Bottou, Bengio & Haffner, Proc. IEEE 86 (1998), section II");
    d.required("filters", filters, "[1, 1048576]", "number of filters, the channels of y");
    d.required("kernel", kernel, "[1, 65536]", "size of the kernel along each spatial axis");
    d.optional("stride", stride, "[1, 65536]", "step of the kernel along each spatial axis");
    d.optional("padding", padding, "[0, 65536]", "zeros put around x");
    d.optional("dilation", dilation, "[1, 65536]", "distance of neighbouring kernel elements");
    d.optional("groups", groups, "[1, 1048576]", "parts that channels and filters are cut into");
    d.optional("bias", bias, "whether a number per filter is added");
    d.input("x", "[batch, channels, (depth, height,) width]");
    d.result("y", "[batch, filters, (depth, height,) width]");
    d.example(R"({"filters": 4, "kernel": 3, "stride": 2, "padding": 1})", "[[2, 3, 8, 7]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    const Shape sizes = spatial(x);
    const int64_t axes = int64_t(sizes.size());
    const int64_t channels = x.size(1);
    if (channels % groups || filters % groups)
      s.fail("groups = ", groups, " must divide both the ", channels, " channels and the ", filters, " filters");

    const Shape size = kernel.at(axes), step = stride.at(axes), apart = dilation.at(axes);
    const auto [low, high] = padding.at(sizes, size, step, apart);
    Shape shape = {filters, channels / groups};
    shape.insert(shape.end(), size.begin(), size.end());
    const int64_t fan_in = element_count(shape) / filters, fan_out = element_count(size) * (filters / groups);
    const Tensor weight = s.parameter("weight", shape, {"he", fan_in, fan_out});
    const Tensor y = conv(x, weight, {step, low, high, apart}, groups);
    return bias ? y + per_channel(s.parameter("bias", {filters}, 0.0), y) : y;
  }
};
LAMINA_LAYER(Conv, "conv", "convolution in one, two or three dimensions")
