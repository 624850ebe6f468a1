#include <lamina/axes.hpp>
#include <lamina/layer.hpp>
using namespace lamina;

struct Concat {
  int64_t axis = 1;

  void declare(Declaration& d) {
    d.formula("y = x₀, then x₁, … along the axis");
    d.optional("axis", axis, "[-8, 7]", "axis along which they follow each other; negative ones count from the last, 1 is the channels");
    d.input("x", "any number of tensors, all of one shape but for the axis");
    d.result("y", "as x, the axis as long as all of them together");
    d.example("{}", "[[2, 3, 4], [2, 1, 4], [2, 2, 4]]");
  }
  Tensor forward(Scope&, Tensors x) const { return concat(x, axis_of(x.at(0), axis, "axis")); }
};
LAMINA_LAYER(Concat, "concat", "its inputs one after the other")
