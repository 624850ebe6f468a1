#include <lamina/layer.hpp>
using namespace lamina;

struct Softsign {
  void declare(Declaration& d) {
    d.formula("y = x / (1 + |x|)");
    d.details("Between −1 and 1 as `tanh`, which it approaches much more slowly.");
    d.source("Glorot & Bengio, AISTATS 2010");
    d.example("{}", "[[3, 5]]");
  }

  Tensor forward(Scope&, Tensor x) const { return x / (1 + abs(x)); }
};
LAMINA_LAYER(Softsign, "softsign", "x / (1 + |x|), between −1 and 1")
