#include <lamina/layer.hpp>
using namespace lamina;

struct LocalResponseNorm {
  int64_t size = 0;
  double alpha = 1e-4, beta = 0.75, k = 1;

  void declare(Declaration& d) {
    d.formula("y[n, c, p] = x[n, c, p] / (k + alpha / size · Σ_j x[n, j, p]²)^beta, j the size channels around c");
    d.details(
        "j goes from c − ⌊size / 2⌋ to c + ⌊(size − 1) / 2⌋; channels that are not there count as 0. alpha is divided by size, as in "
        "PyTorch and Caffe; Krizhevsky's own alpha is that of his formula, so his 1e-4 at size 5 is 5e-4 here (and his k is 2).");
    d.source("Krizhevsky, Sutskever & Hinton, NIPS 2012, section 3.3");
    d.required("size", size, "[1, 65536]", "channels that are summed over");
    d.optional("alpha", alpha, "[0, inf)", "weight of the mean of squares");
    d.optional("beta", beta, "[0, inf)", "power of the divisor");
    d.optional("k", k, "(0, inf)", "what the divisor is made of where x is 0");
    d.input("x", "[batch, channels, …]");
    d.result("y", "[batch, channels, …]");
    d.example(R"({"size": 3, "alpha": 0.5, "k": 2})", "[[2, 5, 3, 4]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    if (x.rank() < 2) s.fail("wanted [batch, channels, …], got the shape ", x.shape());
    const Shape planes = {x.size(0), 1, x.size(1), element_count(x.shape()) / (x.size(0) * x.size(1))};
    const Window window = {{1, 1}, {size / 2, 0}, {(size - 1) / 2, 0}};
    const Tensor squares = average_pool(reshape(square(x), planes), {size, 1}, window, true);
    return x * pow(k + alpha * reshape(squares, x.shape()), -beta);
  }
};
LAMINA_LAYER(LocalResponseNorm, "local_response_norm", "every element divided by its neighbours in other channels")
