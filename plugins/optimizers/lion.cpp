#include <lamina/optimizer.hpp>
using namespace lamina;

struct Lion {
  Scalar beta1 = 0.9, beta2 = 0.99, weight_decay = 0;

  void declare(Declaration& d) {
    d.formula(
        "w ← w − η · (sign(β₁m + (1 − β₁)g) + λw)\n"
        "m ← β₂m + (1 − β₂)g");
    d.details(
        "η is the learning rate, the size of every step: a tenth of Adam's is usual, and ten times its decay. m starts at 0. Keeps one "
        "number per weight.");
    d.source("Chen et al., NeurIPS 2023, algorithm 2");
    d.optional("beta1", beta1, "[0, 1)", "part β₁ of the mean m in the direction of a step");
    d.optional("beta2", beta2, "[0, 1)", "part β₂ of the mean m of gradients that stays");
    d.optional("weight_decay", weight_decay, "[0, inf)", "λ: pulls every weight towards 0, apart from the gradient");
    d.example(R"({"beta1": 0.8, "weight_decay": 0.1})", "[[3, 2]]");
  }
  Tensor update(UpdateScope& s, Tensor w, Tensor g) const {
    State m = s.state("mean");
    const Tensor direction = sign(beta1 * m + (1 - beta1) * g);
    m = beta2 * m + (1 - beta2) * g;
    return w - s.learning_rate() * (direction + weight_decay * w);
  }
};
LAMINA_OPTIMIZER(Lion, "lion", "steps of one size in the direction of the sign of a mean")
