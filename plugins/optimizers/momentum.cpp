#include <lamina/optimizer.hpp>
using namespace lamina;

/// Momentum: v ← μv + (g + λw), w ← w − ηv; v starts at 0, η is the learning rate, λ the weight decay.
/// Source: Polyak 1964; with the rate outside of v, as in Sutskever, Martens, Dahl & Hinton, ICML 2013, and PyTorch.
struct Momentum {
  Scalar momentum = 0.9, weight_decay = 0;

  void declare(Declaration& d) {
    d.optional("momentum", momentum, "[0, 1)", "part μ of the velocity that stays");
    d.optional("weight_decay", weight_decay, "[0, inf)", "λ: pulls every weight towards 0");
    d.example(R"({"momentum": 0.8, "weight_decay": 0.01})", "[[3, 2]]");
  }
  Tensor update(UpdateScope& s, Tensor w, Tensor g) const {
    State v = s.state("velocity");
    v = momentum * v + (g + weight_decay * w);
    return w - s.learning_rate() * v;
  }
};
LAMINA_OPTIMIZER(Momentum, "momentum", "gradient descent with a velocity")
