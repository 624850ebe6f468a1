#include <lamina/layer.hpp>
using namespace lamina;

struct GlobalAveragePool {
  bool keep_axes = false;

  void declare(Declaration& d) {
    d.formula("y[n, c] = mean of x[n, c, …]");
    d.source("Lin, Chen & Yan, ICLR 2014, section 3.2");
    d.optional("keep_axes", keep_axes, "whether the spatial axes stay, with size 1");
    d.input("x", "[batch, channels, …] with at least one spatial axis");
    d.result("y", "[batch, channels], or [batch, channels, 1, …]");
    d.example("{}", "[[2, 3, 4, 5]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    if (x.rank() < 3) s.fail("wanted [batch, channels, …] with at least one spatial axis, got the shape ", x.shape());
    Shape axes = all_axes(x);
    axes.erase(axes.begin(), axes.begin() + 2);
    const Shape channels = {x.size(0), x.size(1)};
    const Tensor y = sum(x, axes) * (double(element_count(channels)) / double(element_count(x.shape())));
    return keep_axes ? y : reshape(y, channels);
  }
};
LAMINA_LAYER(GlobalAveragePool, "global_average_pool", "mean of each channel over all places")
