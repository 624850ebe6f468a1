#include <lamina/optimizer.hpp>
using namespace lamina;

/// v ← ρv + (1 − ρ)g², w ← w − ηg / (√v + ε); v starts at 0, η is the learning rate.
/// w, g, v: the shape of one parameter.  Source: the author, venue, year and equation of the rule (this one: Tieleman & Hinton 2012).
struct FrozenOptimizer {
  // A setting is a member; its value here is the default. A Scalar may change from step to step; a double is folded into the program.
  Scalar decay = 0.9, epsilon = 1e-7;

  void declare(Declaration& d) {
    // Name, member, legal values, what it means: checked before a run, printed by `lamina plugins describe frozen_optimizer`.
    d.optional("decay", decay, "[0, 1)", "part ρ of the mean square that stays");
    d.optional("epsilon", epsilon, "(0, 1]", "ε: keeps the division finite");
    d.example(R"({"decay": 0.8})", "[[3, 2]]");  // settings and the shape of a parameter that `lamina plugins check` begins with
  }

  // Called once for each parameter, before training: w is the parameter, g the gradient of the loss with respect to it, which Lamina has
  // derived from the layers. Returns the next w. Each operator records one op, so the rule runs on every backend, on the device.
  Tensor update(UpdateScope& s, Tensor w, Tensor g) const {
    // A tensor that is kept from step to step, shaped like w: reading it is the current version, assigning makes the next one.
    State v = s.state("mean_square");
    v = decay * v + (1 - decay) * square(g);
    // s.learning_rate() comes from the experiment and its schedule; s.step() is 1 in the first update.
    return w - s.learning_rate() * g / (sqrt(v) + epsilon);
  }
};
LAMINA_OPTIMIZER(FrozenOptimizer, "frozen_optimizer", "gradient over the root of its mean square")
