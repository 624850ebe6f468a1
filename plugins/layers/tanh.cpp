#include <lamina/layer.hpp>
using namespace lamina;

struct Tanh {
  void declare(Declaration& d) {
    d.formula("y = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)");
    d.source("LeCun, Bottou, Orr & Müller, \"Efficient BackProp\" (1998), section 4.4");
    d.example("{}", "[[3, 5]]");
  }

  Tensor forward(Scope&, Tensor x) const { return tanh(x); }
};
LAMINA_LAYER(Tanh, "tanh", "hyperbolic tangent")
