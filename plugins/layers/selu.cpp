#include <lamina/layer.hpp>
using namespace lamina;

struct Selu {
  void declare(Declaration& d) {
    d.formula("y = λx for x > 0, else λα(eˣ − 1);  λ = 1.0507…, α = 1.6733…");
    d.details(
        "λ and α are such that mean 0 and variance 1 are a fixed point of dense layers started from `lecun`. The derivative at 0 is λα.");
    d.source("Klambauer, Unterthiner, Mayr & Hochreiter, NIPS 2017");
    d.example("{}", "[[3, 5]]");
  }

  Tensor forward(Scope&, Tensor x) const {
    constexpr double alpha = 1.6732632423543772848170429916717, lambda = 1.0507009873554804934193349852946;
    return lambda * relu(x) + lambda * alpha * expm1(minimum(x, 0.0));
  }
};
LAMINA_LAYER(Selu, "selu", "exponential linear unit that normalises itself")
