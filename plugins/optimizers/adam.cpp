#include <lamina/optimizer.hpp>
using namespace lamina;

/// Adam: m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², w ← w − η · m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ), t counted from 1.
/// Weight decay adds λw to g, so it is scaled like the gradient (PyTorch's Adam; decoupled decay is another optimizer).
/// Source: Kingma & Ba, ICLR 2015, algorithm 1.
struct Adam {
  Scalar beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;

  void declare(Declaration& d) {
    d.optional("beta1", beta1, "[0, 1)", "decay of the mean m of the gradient");
    d.optional("beta2", beta2, "[0, 1)", "decay of the mean v of its square");
    d.optional("epsilon", epsilon, "(0, inf)", "added to √v̂");
    d.optional("weight_decay", weight_decay, "[0, inf)", "λ: pulls every weight towards 0");
    d.example(R"({"beta2": 0.99, "weight_decay": 0.01})", "[[3, 2]]");
  }
  Tensor update(UpdateScope& s, Tensor w, Tensor g) const {
    State m = s.state("mean"), v = s.state("square");
    g = g + weight_decay * w;
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * square(g);
    const Tensor rate = s.learning_rate() / (1 - pow(beta1, s.step())), root = sqrt(1 - pow(beta2, s.step()));  // numbers of the step
    return w - rate * m / (sqrt(v) / root + epsilon);
  }
};
LAMINA_OPTIMIZER(Adam, "adam", "momentum and step size per weight, bias corrected")
