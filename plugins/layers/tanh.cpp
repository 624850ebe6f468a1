#include <lamina/layer.hpp>
using namespace lamina;

/// Hyperbolic tangent: y = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ).  x, y: any shape.
struct Tanh {
  void declare(Declaration& d) { d.example("{}", "[[3, 5]]"); }

  Tensor forward(Scope&, Tensor x) const { return tanh(x); }
};
LAMINA_LAYER(Tanh, "tanh", "hyperbolic tangent")
