#include <lamina/layer.hpp>
using namespace lamina;

struct Gated {
  double beta = 1;

  void declare(Declaration& d) {
    d.formula("y = x · sigmoid(βx)");
    d.source("Ramachandran, Zoph & Le 2017, arXiv 1710.05941");
    d.optional("beta", beta, "[0, inf)", "slope β of the gate: 0 is linear, ∞ is ReLU");
    d.example(R"({"beta": 1.5})", "[[2, 3]]");
  }
  Tensor forward(Scope&, Tensor x) const { return x * sigmoid(beta * x); }
};
LAMINA_LAYER(Gated, "gated", "self-gated activation x · sigmoid(βx)")
