#include <lamina/schedule.hpp>

#include <algorithm>
#include <numbers>
using namespace lamina;

struct Cosine {
  double final_rate = 0;

  void declare(Declaration& d) {
    d.formula("η = η₁ + (η₀ − η₁) · (1 + cos(π · step / steps)) / 2");
    d.details("From the optimizer's learning_rate η₀ down to η₁ over the whole run, anew in every step, without restarts.");
    d.source("Loshchilov & Hutter, ICLR 2017, equation 5");
    d.optional("final_rate", final_rate, "[0, inf)", "rate η₁ that the end of the run comes near to");
    d.example(R"({"final_rate": 0.001})");
  }

  double rate(const Moment& now) const {
    const double part = std::min(1.0, double(now.step) / double(std::max<int64_t>(now.steps, 1)));
    return final_rate + (now.learning_rate - final_rate) * (1 + std::cos(std::numbers::pi * part)) / 2;
  }
};
LAMINA_SCHEDULE(Cosine, "cosine", "half a cosine from the learning rate down to a final one")
