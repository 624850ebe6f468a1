#include <lamina/optimizer.hpp>
using namespace lamina;

struct Adagrad {
  Scalar learning_rate_decay = 0, epsilon = 1e-10, weight_decay = 0;
  double initial_accumulator = 0;

  void declare(Declaration& d) {
    d.formula(
        "g ← g + λw\n"
        "v ← v + g²\n"
        "w ← w − η / (1 + (t − 1)δ) · g / (√v + ε), t counted from 1");
    d.details("η is the learning rate. What has moved much moves less and less. Keeps one number per weight.");
    d.source("Duchi, Hazan & Singer, JMLR 12 (2011)");
    d.optional("learning_rate_decay", learning_rate_decay, "[0, inf)", "δ: how quickly the rate falls, beside the schedule");
    d.optional("initial_accumulator", initial_accumulator, "[0, inf)", "what v starts at");
    d.optional("epsilon", epsilon, "(0, inf)", "ε: added to √v, so that nothing is divided by 0");
    d.optional("weight_decay", weight_decay, "[0, inf)", "λ: pulls every weight towards 0");
    d.example(R"({"learning_rate_decay": 0.1, "initial_accumulator": 0.1, "weight_decay": 0.01})", "[[3, 2]]");
  }
  Tensor update(UpdateScope& s, Tensor w, Tensor g) const {
    State v = s.state("square_sum", initial_accumulator);
    g = g + weight_decay * w;
    v = v + square(g);
    return w - s.learning_rate() / (1 + (s.step() - 1) * learning_rate_decay) * g / (sqrt(v) + epsilon);
  }
};
LAMINA_OPTIMIZER(Adagrad, "adagrad", "steps divided by the root of all squares so far")
