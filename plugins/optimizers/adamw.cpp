#include <lamina/optimizer.hpp>
using namespace lamina;

struct AdamW {
  Scalar beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.01;
  bool amsgrad = false;

  void declare(Declaration& d) {
    d.formula(
        "w ← w − ηλw\n"
        "m ← β₁m + (1 − β₁)g\n"
        "v ← β₂v + (1 − β₂)g²\n"
        "w ← w − η · m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ), t counted from 1");
    d.details(
        "η is the learning rate; m and v start at 0. Weight decay acts on the weights alone: all shrink at one rate, whatever their "
        "gradients (in `adam` it is part of g). AMSGrad takes for v̂ the largest v so far. Keeps two numbers per weight, three with it.");
    d.source("Loshchilov & Hutter, ICLR 2019, algorithm 2; AMSGrad: Reddi, Kale & Kumar, ICLR 2018, algorithm 2");
    d.optional("beta1", beta1, "[0, 1)", "part β₁ of the mean m of gradients that stays");
    d.optional("beta2", beta2, "[0, 1)", "part β₂ of the mean v of their squares that stays");
    d.optional("epsilon", epsilon, "(0, inf)", "ε: added to √v̂, so that nothing is divided by 0");
    d.optional("weight_decay", weight_decay, "[0, inf)", "λ: pulls every weight towards 0");
    d.optional("amsgrad", amsgrad, "whether steps are divided by the largest v so far, so that they never grow again");
    d.example(R"({"beta2": 0.99, "weight_decay": 0.1})", "[[3, 2]]");
  }
  Tensor update(UpdateScope& s, Tensor w, Tensor g) const {
    State m = s.state("mean"), v = s.state("square");
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * square(g);
    Tensor squares = v;
    if (amsgrad) {
      State largest = s.state("largest_square");
      squares = largest = maximum(largest, v);
    }
    const Tensor rate = s.learning_rate() / (1 - pow(beta1, s.step())), root = sqrt(1 - pow(beta2, s.step()));  // numbers of the step
    return w * (1 - s.learning_rate() * weight_decay) - rate * m / (sqrt(squares) / root + epsilon);
  }
};
LAMINA_OPTIMIZER(AdamW, "adamw", "adam whose weight decay is apart from the gradient")
