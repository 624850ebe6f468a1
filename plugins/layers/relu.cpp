#include <lamina/layer.hpp>
using namespace lamina;

struct Relu {
  void declare(Declaration& d) {
    d.formula("y = max(x, 0)");
    d.details("Its derivative at 0 is 0; NaN stays NaN.");
    d.source("Nair & Hinton, ICML 2010");
    d.example("{}", "[[3, 5]]");
  }

  Tensor forward(Scope&, Tensor x) const { return relu(x); }
};
LAMINA_LAYER(Relu, "relu", "rectifier max(x, 0)")
