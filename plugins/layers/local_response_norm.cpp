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
    // Channels innermost, as backends keep them: nothing moves.
    Shape order = {0}, back = {0, int64_t(x.rank()) - 1};
    for (int64_t a = 2; a < int64_t(x.rank()); ++a) order.push_back(a), back.push_back(a - 1);
    order.push_back(1);
    const Tensor squares = transpose(square(x), order);
    const Tensor means = average_pool(reshape(squares, {-1, 1, x.size(1)}), {size}, {{1}, {size / 2}, {(size - 1) / 2}}, true);
    return x * pow(k + alpha * transpose(reshape(means, squares.shape()), back), -beta);
  }
};
LAMINA_LAYER(LocalResponseNorm, "local_response_norm", "every element divided by its neighbours in other channels")
