#include <lamina/layer.hpp>
using namespace lamina;

struct Relu6 {
  void declare(Declaration& d) {
    d.formula("y = min(max(x, 0), 6)");
    d.details("Its derivative at 0 and at 6 is 0; NaN stays NaN.");
    d.source("Krizhevsky, \"Convolutional Deep Belief Networks on CIFAR-10\" (2010)");
    d.example("{}", "[[3, 5]]");
  }

  Tensor forward(Scope&, Tensor x) const { return minimum(6.0, relu(x)); }  // a tie is the constant's
};
LAMINA_LAYER(Relu6, "relu6", "rectifier that ends at 6")
