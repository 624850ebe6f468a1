#include <lamina/layer.hpp>
using namespace lamina;

struct Celu {
  double alpha = 1;

  void declare(Declaration& d) {
    d.formula("y = max(x, 0) + min(0, α(exp(x / α) − 1))");
    d.details("Its derivative is continuous for every α, and 1 at 0.");
    d.source("Barron 2017, arXiv 1704.07483");
    d.optional("alpha", alpha, "(0, inf)", "α: y goes to −α for x to −∞");
    d.example(R"({"alpha": 1.5})", "[[3, 5]]");
  }

  Tensor forward(Scope&, Tensor x) const { return relu(x) + alpha * expm1(minimum(x, 0.0) / alpha); }
};
LAMINA_LAYER(Celu, "celu", "exponential linear unit without a corner")
