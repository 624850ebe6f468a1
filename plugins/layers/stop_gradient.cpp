#include <lamina/layer.hpp>
using namespace lamina;

struct StopGradient {
  void declare(Declaration& d) {
    d.formula("y = x");
    d.details("Gradients take y as constant: nothing before it learns from what comes after it.");
    d.example("{}", "[[3, 5]]");
  }

  Tensor forward(Scope&, Tensor x) const { return stop_gradient(x); }
};
LAMINA_LAYER(StopGradient, "stop_gradient", "lets no gradient through")
