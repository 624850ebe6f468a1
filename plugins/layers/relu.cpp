#include <lamina/layer.hpp>
using namespace lamina;

/// Rectifier: y = max(x, 0); its derivative at 0 is 0, NaN stays NaN.  x, y: any shape.
/// Source: Nair & Hinton, ICML 2010.
struct Relu {
  void declare(Declaration& d) { d.example("{}", "[[3, 5]]"); }

  Tensor forward(Scope&, Tensor x) const { return relu(x); }
};
LAMINA_LAYER(Relu, "relu", "rectifier max(x, 0)")
