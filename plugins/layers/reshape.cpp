#include <lamina/layer.hpp>
using namespace lamina;

struct Reshape {
  Shape shape;

  void declare(Declaration& d) {
    d.formula("the elements of y are those of x, both in row-major order");
    d.details(
        "As in ONNX: 0 keeps the size that x has at this place, and one −1 is worked out. The batch is an axis like any other: "
        "[-1, 3, 32, 32] makes the views of x [batch, views, 3, 32, 32] samples of their own, and a later [-1, views, features] "
        "brings them together again. A batch size written as a number does not fit the last, smaller batch.");
    d.required("shape", shape, "[-1, inf)", "size of each axis of y, the batch first; 0: as x, -1: what remains");
    d.input("x", "any shape");
    d.result("y", "as `shape` says");
    d.example(R"({"shape": [0, -1, 6]})", "[[2, 4, 3, 2]]");
  }
  Tensor forward(Scope&, Tensor x) const {
    const Shape from = x.shape();
    Shape to = shape;
    for (size_t i = 0; i < to.size(); ++i) {
      if (to[i] != 0) continue;
      if (i >= from.size())
        throw Error(describe("entry ", i, " of the shape ", shape, " is 0, but x ", from, " has no axis there"), "shape");
      to[i] = from[i];
    }
    return reshape(x, to);
  }
};
LAMINA_LAYER(Reshape, "reshape", "the same elements in another shape")
