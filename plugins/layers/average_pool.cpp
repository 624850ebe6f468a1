#include <lamina/windows.hpp>
using namespace lamina;

struct AveragePool : Pool {
  bool count_padding = false;

  void declare(Declaration& d) {
    d.formula("y[n, c, p] = 1/m · Σ_k x[n, c, stride · p + k − padding]");
    d.details(
        "m counts the elements of the window that lie inside x, as Keras and ONNX do; with count_padding those inside x and its "
        "padding, as PyTorch does unless told otherwise. Both agree without padding. Each spatial axis of y has "
        "⌊(size of x + padding on both sides − size) / stride⌋ + 1 places, with ceil one more where the last window reaches beyond.");
    d.source("LeCun, Bottou, Bengio & Haffner, Proc. IEEE 86 (1998), section II");
    Pool::declare(d, "zeros put around x");
    d.optional("count_padding", count_padding, "whether padding counts in the divisor");
    d.example(R"({"size": 3, "stride": 2, "padding": 1})", "[[2, 3, 6, 7]]");
  }
  Tensor forward(Scope&, Tensor x) const { return mean(x, windows(x), count_padding); }
};
LAMINA_LAYER(AveragePool, "average_pool", "mean of each window")
