#include <lamina/layer.hpp>
using namespace lamina;

struct LeakyRelu {
  double negative_slope = 0.01;

  void declare(Declaration& d) {
    d.formula("y = max(x, 0) + negative_slope · min(x, 0)");
    d.details("Its derivative at 0 is negative_slope.");
    d.source("Maas, Hannun & Ng, ICML workshop on deep learning for audio, speech and language processing (2013)");
    d.optional("negative_slope", negative_slope, "(-inf, inf)", "slope below 0");
    d.example(R"({"negative_slope": 0.2})", "[[3, 5]]");
  }

  Tensor forward(Scope&, Tensor x) const { return relu(x) + negative_slope * minimum(x, 0.0); }
};
LAMINA_LAYER(LeakyRelu, "leaky_relu", "rectifier with a small slope below 0")
