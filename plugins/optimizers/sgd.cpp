#include <lamina/optimizer.hpp>
using namespace lamina;

struct Sgd {
  Scalar weight_decay = 0;

  void declare(Declaration& d) {
    d.formula("w ← w − η · (g + λw)");
    d.details("η is the learning rate. Keeps nothing.");
    d.source("Robbins & Monro 1951");
    d.optional("weight_decay", weight_decay, "[0, inf)", "λ: pulls every weight towards 0");
    d.example(R"({"weight_decay": 0.01})", "[[3, 2]]");
  }

  Tensor update(UpdateScope& s, Tensor w, Tensor g) const { return w - s.learning_rate() * (g + weight_decay * w); }
};
LAMINA_OPTIMIZER(Sgd, "sgd", "plain gradient descent")
