#include <lamina/axes.hpp>
#include <lamina/layer.hpp>
using namespace lamina;

struct Transpose {
  Shape axes;

  void declare(Declaration& d) {
    d.formula("axis i of y is axis axes[i] of x");
    d.required("axes", axes, "[-8, 7]", "all axes of x in their new order, the batch too; negative ones count from the last");
    d.input("x", "any shape");
    d.result("y", "the shape of x in the new order");
    d.example(R"({"axes": [0, -1, 1]})", "[[2, 3, 4]]");
  }
  Tensor forward(Scope&, Tensor x) const {
    const Shape order = axes_of(x, axes, "axes");
    if (int(order.size()) != x.rank()) throw Error(describe("axes ", axes, " do not name every axis of ", x.shape()), "axes");
    return transpose(x, order);
  }
};
LAMINA_LAYER(Transpose, "transpose", "the same elements with the axes in another order")
