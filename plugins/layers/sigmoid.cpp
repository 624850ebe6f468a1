#include <lamina/layer.hpp>
using namespace lamina;

struct Sigmoid {
  void declare(Declaration& d) {
    d.formula("y = 1 / (1 + e⁻ˣ)");
    d.source("Rumelhart, Hinton & Williams, Nature 323 (1986), equation 2");
    d.example("{}", "[[3, 5]]");
  }

  Tensor forward(Scope&, Tensor x) const { return sigmoid(x); }
};
LAMINA_LAYER(Sigmoid, "sigmoid", "logistic function, between 0 and 1")
