#include <lamina/optimizer.hpp>
using namespace lamina;

struct Nadam {
  Scalar beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, momentum_decay = 0.004, weight_decay = 0;

  void declare(Declaration& d) {
    d.formula(
        "g ← g + λw\n"
        "m ← β₁m + (1 − β₁)g\n"
        "v ← β₂v + (1 − β₂)g²\n"
        "μₜ = β₁ · (1 − 0.96^(tψ) / 2), p ← p · μₜ\n"
        "w ← w − η · ((1 − μₜ) / (1 − p) · g + μₜ₊₁ / (1 − pμₜ₊₁) · m) / (√(v / (1 − β₂ᵗ)) + ε), t counted from 1");
    d.details("Adam with Nesterov's look ahead. η is the learning rate; m and v start at 0, p at 1. Keeps two numbers per weight and p.");
    d.source("Dozat, ICLR 2016 workshop, algorithm 2");
    d.optional("beta1", beta1, "[0, 1)", "part β₁ of the mean m of gradients that stays");
    d.optional("beta2", beta2, "[0, 1)", "part β₂ of the mean v of their squares that stays");
    d.optional("epsilon", epsilon, "(0, inf)", "ε: added to the root, so that nothing is divided by 0");
    d.optional("momentum_decay", momentum_decay, "[0, inf)", "ψ: how quickly the look ahead μ grows from β₁ / 2 to β₁");
    d.optional("weight_decay", weight_decay, "[0, inf)", "λ: pulls every weight towards 0");
    d.example(R"({"beta2": 0.99, "momentum_decay": 0.1, "weight_decay": 0.01})", "[[3, 2]]");
  }
  Tensor update(UpdateScope& s, Tensor w, Tensor g) const {
    State m = s.state("mean"), v = s.state("square"), p = s.Scope::state("look_ahead", {}, 1);
    g = g + weight_decay * w;
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * square(g);
    const auto ahead = [&](const Tensor& t) { return beta1 * (1 - 0.5 * pow(0.96, t * momentum_decay)); };
    const Tensor mu = ahead(s.step()), next = ahead(s.step() + 1), root = sqrt(1 - pow(beta2, s.step()));  // numbers of the step
    p = p * mu;
    const Tensor direction = (1 - mu) / (1 - p) * g + next / (1 - p * next) * m;
    return w - s.learning_rate() * direction / (sqrt(v) / root + epsilon);
  }
};
LAMINA_OPTIMIZER(Nadam, "nadam", "adam with a momentum that looks ahead")
