#include <lamina/windows.hpp>
using namespace lamina;

struct LocallyConnected {
  int64_t filters = 0;
  PerAxis kernel, stride = 1, dilation = 1;
  Padding padding;
  bool bias = true;

  void declare(Declaration& d) {
    d.formula("y[n, f, p] = bias[f, p] + Σ_{c, k} x[n, c, stride · p + dilation · k − padding] · weight[p, f, c, k]");
    d.details(
        "A `conv` with a kernel of its own at every place. Over one, two or three spatial axes, as many as x has; outside of x is zero. "
        "weight [places…, filters, channels, kernel…] starts from `he` on fan_in = channels · ∏ kernel; bias [filters, places…] starts "
        "at 0. Sizes are those of `conv`. Takes memory for x as often as windows overlap.");
    d.source("LeCun, \"Generalization and network design strategies\", 1989; Taigman, Yang, Ranzato & Wolf, CVPR 2014, section 3");
    d.required("filters", filters, "[1, 1048576]", "number of filters, the channels of y");
    d.required("kernel", kernel, "[1, 65536]", "size of the kernel along each spatial axis");
    d.optional("stride", stride, "[1, 65536]", "step of the kernel along each spatial axis");
    d.optional("padding", padding, "[0, 65536]", "zeros put around x");
    d.optional("dilation", dilation, "[1, 65536]", "distance of neighbouring kernel elements");
    d.optional("bias", bias, "whether a number per filter and place is added");
    d.input("x", "[batch, channels, (depth, height,) width]");
    d.result("y", "[batch, filters, (depth, height,) width]");
    d.example(R"({"filters": 2, "kernel": 2, "stride": 2, "padding": 1})", "[[2, 3, 4, 5]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    const Shape in = spatial(x);
    const int64_t axes = int64_t(in.size()), batch = x.size(0), channels = x.size(1);
    const Shape size = kernel.at(axes), step = stride.at(axes), apart = dilation.at(axes);
    const auto [low, high] = padding.at(in, size, step, apart);
    Shape places, order, behind = {0, 1};  // of the windows' axes: places, then batch, channels and elements
    Tensor windows = x;
    for (size_t a = 0; a < in.size(); ++a) {
      const int64_t span = in[a] + low[a] + high[a] - (size[a] - 1) * apart[a] - 1;
      if (span < 0) s.fail("a kernel of ", size[a], " (dilation ", apart[a], ") does not fit into spatial axis ", a, " of size ", in[a]);
      places.push_back(span / step[a] + 1);
      const int axis = int(2 + 2 * a);  // gather gives 0 outside of x
      windows = gather(windows, window_positions(s, places[a], size[a], step[a], apart[a], low[a]), axis);
      order.push_back(axis), behind.push_back(axis + 1);
    }
    order.insert(order.end(), behind.begin(), behind.end());
    const int64_t count = element_count(places), inner = channels * element_count(size);
    windows = reshape(transpose(windows, order), {count, batch, inner});

    Shape shape = places, at_places = {filters};
    shape.insert(shape.end(), {filters, channels}), shape.insert(shape.end(), size.begin(), size.end());
    at_places.insert(at_places.end(), places.begin(), places.end());
    const Tensor weight = s.parameter("weight", shape, {"he", inner, filters * element_count(size)});
    const Tensor y = matmul(windows, reshape(weight, {count, filters, inner}), false, true);  // [places, batch, filters]
    Shape of_y = {batch};
    of_y.insert(of_y.end(), at_places.begin(), at_places.end());
    const Tensor laid = reshape(transpose(y, {1, 2, 0}), of_y);
    return bias ? laid + s.parameter("bias", at_places, 0.0) : laid;
  }
};
LAMINA_LAYER(LocallyConnected, "locally_connected", "convolution with a kernel of its own at every place")
