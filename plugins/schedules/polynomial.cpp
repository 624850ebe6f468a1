#include <lamina/schedule.hpp>

#include <algorithm>
using namespace lamina;

struct Polynomial {
  double power = 1, final_rate = 0;

  void declare(Declaration& d) {
    d.formula("η = η₁ + (η₀ − η₁) · (1 − step / steps)ᵖ");
    d.details("From the optimizer's learning_rate η₀ down to η₁ over the whole run, anew in every step; a straight line when p is 1.");
    d.source("Chen et al., IEEE TPAMI 40 (2018), section 4.1 (DeepLab)");
    d.optional("power", power, "(0, inf)", "p: above 1 the rate falls quickly first, below 1 at last");
    d.optional("final_rate", final_rate, "[0, inf)", "rate η₁ that the end of the run comes near to");
    d.example(R"({"power": 0.9, "final_rate": 0.001})");
  }
  double rate(const Moment& now) const {
    const double left = 1 - std::min(1.0, double(now.step) / double(std::max<int64_t>(now.steps, 1)));
    return final_rate + (now.learning_rate - final_rate) * std::pow(left, power);
  }
};
LAMINA_SCHEDULE(Polynomial, "polynomial", "a power of what is left of the run, from the learning rate down to a final one")
