#include <lamina/layer.hpp>
using namespace lamina;

/// Faulty on purpose: a parameter that nobody can understand.
struct Undocumented {
  double secret = 1;
  void declare(Declaration& d) { d.optional("secret", secret, ""); }
  Tensor forward(Scope&, Tensor x) const { return x * secret; }
};
LAMINA_LAYER(Undocumented, "undocumented", "has a parameter without documentation")
