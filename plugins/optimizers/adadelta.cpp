#include <lamina/optimizer.hpp>
using namespace lamina;

struct Adadelta {
  Scalar rho = 0.9, epsilon = 1e-6, weight_decay = 0;

  void declare(Declaration& d) {
    d.formula(
        "g ← g + λw\n"
        "v ← ρv + (1 − ρ)g²\n"
        "d = g · √(u + ε) / √(v + ε)\n"
        "u ← ρu + (1 − ρ)d²\n"
        "w ← w − ηd");
    d.details(
        "Steps have the unit of the weights, so the learning rate η is commonly 1. v and u start at 0, and the first steps are of size "
        "√ε: it starts slowly. Keeps two numbers per weight.");
    d.source("Zeiler, arXiv 1212.5701 (2012), algorithm 1");
    d.optional("rho", rho, "[0, 1)", "part ρ of the means of squares that stays");
    d.optional("epsilon", epsilon, "(0, inf)", "ε: added to both means; the first steps are of size √ε");
    d.optional("weight_decay", weight_decay, "[0, inf)", "λ: pulls every weight towards 0");
    d.example(R"({"rho": 0.8, "epsilon": 0.001, "weight_decay": 0.01})", "[[3, 2]]");
  }
  Tensor update(UpdateScope& s, Tensor w, Tensor g) const {
    State v = s.state("square"), u = s.state("square_step");
    g = g + weight_decay * w;
    v = rho * v + (1 - rho) * square(g);
    const Tensor step = g * sqrt(u + epsilon) / sqrt(v + epsilon);
    u = rho * u + (1 - rho) * square(step);
    return w - s.learning_rate() * step;
  }
};
LAMINA_OPTIMIZER(Adadelta, "adadelta", "steps in the unit of the weights, from the steps before")
