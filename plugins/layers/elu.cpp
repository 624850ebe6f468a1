#include <lamina/layer.hpp>
using namespace lamina;

struct Elu {
  double alpha = 1;

  void declare(Declaration& d) {
    d.formula("y = x for x > 0, else α(eˣ − 1)");
    d.details("Its derivative at 0 is α.");
    d.source("Clevert, Unterthiner & Hochreiter, ICLR 2016, arXiv 1511.07289");
    d.optional("alpha", alpha, "(-inf, inf)", "α: y goes to −α for x to −∞");
    d.example(R"({"alpha": 1.5})", "[[3, 5]]");
  }

  // Each part sees only the numbers that are its own, so exp cannot overflow in the part that is not taken.
  Tensor forward(Scope&, Tensor x) const { return relu(x) + alpha * expm1(minimum(x, 0.0)); }
};
LAMINA_LAYER(Elu, "elu", "exponential linear unit")
