#include <lamina/layer.hpp>
using namespace lamina;

struct Maximum {
  void declare(Declaration& d) {
    d.formula("y = max(x₀, x₁, …)");
    d.details("Of equals the first gets the gradient; NaN wins over all.");
    d.source("Goodfellow, Warde-Farley, Mirza, Courville & Bengio, ICML 2013");
    d.input("x", "any number of tensors whose shapes broadcast");
    d.result("y", "the common shape");
    d.example("{}", "[[2, 3, 4], [3, 1], [2, 1, 4]]");
  }
  Tensor forward(Scope&, Tensors x) const {
    Tensor y = x.at(0);
    for (size_t i = 1; i < x.size(); ++i) y = maximum(y, x[i]);
    return y;
  }
};
LAMINA_LAYER(Maximum, "maximum", "largest of its inputs, element by element")
