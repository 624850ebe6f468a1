#include <lamina/optimizer.hpp>
using namespace lamina;

struct Nesterov {
  Scalar momentum = 0.9, weight_decay = 0;

  void declare(Declaration& d) {
    d.formula(
        "g ← g + λw\n"
        "v ← μv + g\n"
        "w ← w − η(g + μv)");
    d.details(
        "η is the learning rate; v starts at 0. w is the point that looks ahead, where the gradient is taken, as in PyTorch. Keeps one "
        "number per weight.");
    d.source("Nesterov 1983; in this form: Bengio, Boulanger-Lewandowski & Pascanu, ICASSP 2013, equation 7");
    d.optional("momentum", momentum, "[0, 1)", "part μ of the velocity that stays");
    d.optional("weight_decay", weight_decay, "[0, inf)", "λ: pulls every weight towards 0");
    d.example(R"({"momentum": 0.8, "weight_decay": 0.01})", "[[3, 2]]");
  }
  Tensor update(UpdateScope& s, Tensor w, Tensor g) const {
    State v = s.state("velocity");
    g = g + weight_decay * w;
    v = momentum * v + g;
    return w - s.learning_rate() * (g + momentum * v);
  }
};
LAMINA_OPTIMIZER(Nesterov, "nesterov", "gradient descent with a velocity that looks ahead")
