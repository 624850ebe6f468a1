#include <lamina/layer.hpp>
using namespace lamina;

struct GlobalMaxPool {
  bool keep_axes = false;

  void declare(Declaration& d) {
    d.formula("y[n, c] = max of x[n, c, …]");
    d.details("Of equals the first gets the gradient; NaN wins over all.");
    d.source("Oquab, Bottou, Laptev & Sivic, CVPR 2015, section 3.2");
    d.optional("keep_axes", keep_axes, "whether the spatial axes stay, with size 1");
    d.input("x", "[batch, channels, …] with at least one spatial axis");
    d.result("y", "[batch, channels], or [batch, channels, 1, …]");
    d.example("{}", "[[2, 3, 4, 5]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    if (x.rank() < 3) s.fail("wanted [batch, channels, …] with at least one spatial axis, got the shape ", x.shape());
    Shape axes = all_axes(x);
    axes.erase(axes.begin(), axes.begin() + 2);
    const Tensor y = max(x, axes);
    return keep_axes ? y : reshape(y, {x.size(0), x.size(1)});
  }
};
LAMINA_LAYER(GlobalMaxPool, "global_max_pool", "largest element of each channel")
