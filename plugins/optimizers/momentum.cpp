#include <lamina/optimizer.hpp>
using namespace lamina;

struct Momentum {
  Scalar momentum = 0.9, dampening = 0, weight_decay = 0;

  void declare(Declaration& d) {
    d.formula(
        "v ← μv + (1 − τ)(g + λw), in the first update without τ\n"
        "w ← w − ηv");
    d.details("η is the learning rate; v starts at 0. The rate stands outside of v, as in PyTorch. Keeps one number per weight.");
    d.source("Polyak 1964; Sutskever, Martens, Dahl & Hinton, ICML 2013");
    d.optional("momentum", momentum, "[0, 1)", "part μ of the velocity that stays");
    d.optional("dampening", dampening, "[0, 1]", "part τ of each gradient, after the first, that the velocity leaves out");
    d.optional("weight_decay", weight_decay, "[0, inf)", "λ: pulls every weight towards 0");
    d.example(R"({"momentum": 0.8, "dampening": 0.3, "weight_decay": 0.01})", "[[3, 2]]");
  }
  Tensor update(UpdateScope& s, Tensor w, Tensor g) const {
    State v = s.state("velocity");
    const Tensor later = minimum(s.step() - 1, 1);  // 0 in the first update
    v = momentum * v + (1 - dampening * later) * (g + weight_decay * w);
    return w - s.learning_rate() * v;
  }
};
LAMINA_OPTIMIZER(Momentum, "momentum", "gradient descent with a velocity")
