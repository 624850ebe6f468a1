#include <lamina/layer.hpp>
using namespace lamina;

struct Swish {
  double beta = 1;

  void declare(Declaration& d) {
    d.formula("y = x · sigmoid(βx)");
    d.details("β = 1 is SiLU. β is fixed; an `expression` with a parameter has one that is learned.");
    d.source("Ramachandran, Zoph & Le 2017, arXiv 1710.05941; β = 1: Elfwing, Uchibe & Doya, Neural Networks 107 (2018)");
    d.optional("beta", beta, "[0, inf)", "slope β of the gate: 0 is linear, ∞ is ReLU");
    d.example(R"({"beta": 1.5})", "[[3, 5]]");
  }

  Tensor forward(Scope&, Tensor x) const { return x * sigmoid(beta * x); }
};
LAMINA_LAYER(Swish, "swish", "self-gated activation x · sigmoid(βx), SiLU by default")
