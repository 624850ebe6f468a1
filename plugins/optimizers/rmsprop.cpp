#include <lamina/optimizer.hpp>
using namespace lamina;

struct Rmsprop {
  Scalar alpha = 0.99, epsilon = 1e-8, weight_decay = 0;
  double momentum = 0;
  bool centered = false;

  void declare(Declaration& d) {
    d.formula(
        "g ← g + λw\n"
        "v ← αv + (1 − α)g²\n"
        "m ← αm + (1 − α)g and u = v − m² where centered, else u = v\n"
        "b ← μb + g / (√u + ε)\n"
        "w ← w − ηb");
    d.details(
        "η is the learning rate; v, m and b start at 0. Keeps one number per weight, one more where centered and one more with momentum.");
    d.source(
        "Tieleman & Hinton, Coursera: Neural Networks for Machine Learning, lecture 6e (2012); centered: Graves, arXiv 1308.0850, "
        "equation 38");
    d.optional("alpha", alpha, "[0, 1)", "part α of the mean v of squares that stays");
    d.optional("epsilon", epsilon, "(0, inf)", "ε: added to √u, so that nothing is divided by 0");
    d.optional("momentum", momentum, "[0, 1)", "part μ of the velocity b that stays");
    d.optional("centered", centered, "whether the square of the mean gradient is taken off, so that u is a variance");
    d.optional("weight_decay", weight_decay, "[0, inf)", "λ: pulls every weight towards 0");
    d.example(R"({"alpha": 0.9, "momentum": 0.5, "centered": true, "weight_decay": 0.01})", "[[3, 2]]");
  }
  Tensor update(UpdateScope& s, Tensor w, Tensor g) const {
    State v = s.state("square");
    g = g + weight_decay * w;
    v = alpha * v + (1 - alpha) * square(g);
    Tensor spread = v;
    if (centered) {
      State m = s.state("mean");
      m = alpha * m + (1 - alpha) * g;
      spread = maximum(v - square(m), 0);  // rounding may bring it below
    }
    Tensor step = g / (sqrt(spread) + epsilon);
    if (momentum > 0) {
      State b = s.state("velocity");
      step = b = momentum * b + step;
    }
    return w - s.learning_rate() * step;
  }
};
LAMINA_OPTIMIZER(Rmsprop, "rmsprop", "steps divided by the root of the mean square")
