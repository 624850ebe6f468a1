#include <lamina/layer.hpp>
using namespace lamina;

struct Softplus {
  double beta = 1, threshold = 20;

  void declare(Declaration& d) {
    d.formula("y = x for βx > threshold, else log(1 + exp(βx)) / β");
    d.details("Smooth, always positive, nearer to `relu` the larger β is. exp(βx) does not overflow, whatever the threshold.");
    d.source("Dugas, Bengio, Bélisle, Nadeau & Garcia, NIPS 13 (2001)");
    d.optional("beta", beta, "(0, inf)", "sharpness β of the bend");
    d.optional("threshold", threshold, "[0, inf)", "βx from which on y is x");
    d.example(R"({"beta": 2, "threshold": 1.5})", "[[3, 5]]");
  }

  Tensor forward(Scope&, Tensor x) const { return select(beta * x > threshold, x, softplus(beta * x) / beta); }
};
LAMINA_LAYER(Softplus, "softplus", "smooth rectifier log(1 + eˣ)")
