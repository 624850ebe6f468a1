#include <lamina/windows.hpp>
using namespace lamina;

struct MinPool : Pool {
  PerAxis dilation = 1;

  void declare(Declaration& d) {
    d.formula("y[n, c, p] = min_k x[n, c, stride · p + dilation · k − padding]");
    d.details(
        "`max_pool` of −x, negated. Of equals the first wins and gets the gradient; padding never wins; NaN wins over all. Sizes are "
        "those of `max_pool`.");
    Pool::declare(d, "places added around x, above every number");
    d.optional("dilation", dilation, "[1, 65536]", "distance of neighbouring elements of the window");
    d.example(R"({"size": 3, "stride": 2, "padding": 1})", "[[2, 3, 6, 7]]");
  }
  Tensor forward(Scope&, Tensor x) const { return -largest(-x, windows(x, dilation)).first; }
};
LAMINA_LAYER(MinPool, "min_pool", "smallest element of each window")
