#include <lamina/windows.hpp>
using namespace lamina;

struct LpPool : Pool {
  double power = 2;

  void declare(Declaration& d) {
    d.formula("y[n, c, p] = (Σ_k x[n, c, stride · p + k − padding]^power)^(1 / power)");
    d.details(
        "power 1 is the sum of the window; large ones come near its maximum. x keeps its sign, as in PyTorch: after an odd power a sum "
        "below 0 has no root, and y is NaN unless power is 1. Where the sum is 0, so is the gradient. With ceil, what reaches beyond x "
        "and its padding counts as the mean of the rest.");
    d.source("Gulcehre, Cho, Pascanu & Bengio, ECML PKDD 2014");
    Pool::declare(d, "zeros put around x");
    d.optional("power", power, "[1, inf)", "p of the norm");
    d.example(R"({"size": 2})", "[[2, 3, 6, 7]]");
  }
  Tensor forward(Scope&, Tensor x) const {
    const Windows w = windows(x);
    const Tensor sum = mean(pow(x, power), w, true) * double(element_count(w.size));
    if (power == 1) return sum;
    const Tensor nothing = equal(sum, 0);  // where the root has no slope
    return select(nothing, 0, pow(select(nothing, 1, sum), 1 / power));
  }
};
LAMINA_LAYER(LpPool, "lp_pool", "p-norm of each window")
