#include <lamina/layer.hpp>
using namespace lamina;

struct Multiply {
  void declare(Declaration& d) {
    d.formula("y = x₀ · x₁ · …");
    d.input("x", "any number of tensors whose shapes broadcast");
    d.result("y", "the common shape");
    d.example("{}", "[[2, 3, 4], [3, 1], [2, 1, 4]]");
  }
  Tensor forward(Scope&, Tensors x) const {
    Tensor y = x.at(0);
    for (size_t i = 1; i < x.size(); ++i) y = y * x[i];
    return y;
  }
};
LAMINA_LAYER(Multiply, "multiply", "product of its inputs")
