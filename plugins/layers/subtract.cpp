#include <lamina/layer.hpp>
using namespace lamina;

struct Subtract {
  void declare(Declaration& d) {
    d.formula("y = a − b");
    d.input("a", "any shape");
    d.input("b", "a shape that broadcasts with a's");
    d.result("y", "the common shape");
    d.example("{}", "[[2, 3, 4], [3, 1]]");
  }

  Tensor forward(Scope&, Tensor a, Tensor b) const { return a - b; }
};
LAMINA_LAYER(Subtract, "subtract", "difference of its two inputs")
