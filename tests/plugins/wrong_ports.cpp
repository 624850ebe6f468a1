#include <lamina/layer.hpp>
using namespace lamina;

/// Faulty on purpose: one input is declared, two are taken.
struct WrongPorts {
  void declare(Declaration& d) { d.input("x", "any shape"); }
  Tensor forward(Scope&, Tensor x, Tensor y) const { return x + y; }
};
LAMINA_LAYER(WrongPorts, "wrong_ports", "declares other inputs than it takes")
