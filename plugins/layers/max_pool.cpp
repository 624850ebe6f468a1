#include <lamina/windows.hpp>
using namespace lamina;

struct MaxPool : Pool {
  PerAxis dilation = 1;

  void declare(Declaration& d) {
    d.formula("y[n, c, p] = max_k x[n, c, stride · p + dilation · k − padding]");
    d.details(
        "Of equals the first wins and gets the gradient; padding never wins; NaN wins over all. Each spatial axis of y has "
        "⌊(size of x + padding on both sides − dilation · (size − 1) − 1) / stride⌋ + 1 places, with ceil one more where the last window "
        "reaches beyond. The result `indices` says where in x's flattened spatial volume each y stands, for `unpool`. A window "
        "that holds padding alone is refused.");
    d.source("Zhou & Chellappa, ICNN 1988");
    Pool::declare(d, "places added around x, below every number");
    d.optional("dilation", dilation, "[1, 65536]", "distance of neighbouring elements of the window");
    d.result("indices", "int32, as y: positions in the flattened spatial axes of x");
    d.example(R"({"size": 2})", "[[2, 3, 6, 7]]");
  }
  std::array<Tensor, 2> forward(Scope&, Tensor x) const {
    const auto [y, indices] = largest(x, windows(x, dilation));
    return {y, indices};
  }
};
LAMINA_LAYER(MaxPool, "max_pool", "largest element of each window")
