#include <lamina/optimizer.hpp>
using namespace lamina;

struct Lars {
  Scalar momentum = 0.9, trust = 0.001, weight_decay = 0;

  void declare(Declaration& d) {
    d.formula(
        "r = ρ‖w‖ / (‖g‖ + λ‖w‖), 1 where ‖w‖ or ‖g‖ is 0\n"
        "v ← μv + ηr(g + λw)\n"
        "w ← w − v");
    d.details(
        "Each parameter has a rate of its own, so that no step is large beside its norm ‖w‖, taken over all its elements; made for large "
        "batches. η is the learning rate, here commonly above 1; v starts at 0. Keeps one number per weight.");
    d.source("You, Gitman & Ginsburg, arXiv 1708.03888 (2017), algorithm 1");
    d.optional("momentum", momentum, "[0, 1)", "part μ of the velocity that stays");
    d.optional("trust", trust, "(0, inf)", "ρ: the size of a step beside the parameter's, at η = 1");
    d.optional("weight_decay", weight_decay, "[0, inf)", "λ: pulls every weight towards 0");
    d.example(R"({"momentum": 0.8, "trust": 0.1, "weight_decay": 0.01})", "[[3, 2]]");
  }
  Tensor update(UpdateScope& s, Tensor w, Tensor g) const {
    State v = s.state("velocity");
    const Tensor size = sqrt(total(square(w))), slope = sqrt(total(square(g)));
    const Tensor still = logical_or(equal(size, 0), equal(slope, 0));
    const Tensor ratio = select(still, 1, trust * size / select(still, 1, slope + weight_decay * size));
    v = momentum * v + s.learning_rate() * ratio * (g + weight_decay * w);
    return w - v;
  }
};
LAMINA_OPTIMIZER(Lars, "lars", "momentum with a rate for each parameter, from its norm and its gradient's")
