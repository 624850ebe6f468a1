#include <lamina/schedule.hpp>

#include <algorithm>
#include <numbers>
using namespace lamina;

struct OneCycle {
  double rising = 0.3, initial_divisor = 25, final_divisor = 1e4;
  std::string shape = "cosine";
  bool three_phases = false;

  void declare(Declaration& d) {
    d.formula(
        "η rises from η₀ / initial_divisor to η₀, then falls to η₀ / initial_divisor / final_divisor\n"
        "from a to b: b + (a − b) · (1 + cos(πp)) / 2, or a + (b − a) · p where linear, p being the part of the phase that is done");
    d.details(
        "The optimizer's learning_rate η₀ is the largest, and may be larger than usual. The peak is at step rising · steps − 1 of the "
        "run, the end at its last step, anew in every step; with three phases the fall to η₀ / initial_divisor takes as long as the "
        "rise, and the rest leads to the end. PyTorch's OneCycleLR; the momentum stays as it is.");
    d.source("Smith & Topin, arXiv 1708.07120 (2017)");
    d.optional("rising", rising, "[0, 1]", "part of the run in which the rate rises");
    d.optional("shape", shape, "cosine | linear", "the way between two rates");
    d.optional("initial_divisor", initial_divisor, "[1, inf)", "how much smaller the first rate is than the largest");
    d.optional("final_divisor", final_divisor, "[1, inf)", "how much smaller the last rate is than the first");
    d.optional("three_phases", three_phases, "whether the fall is as steep as the rise down to the first rate");
    d.example(R"({"rising": 0.25})");
  }
  double rate(const Moment& now) const {
    const double first = now.learning_rate / initial_divisor, last = first / final_divisor, steps = double(now.steps);
    struct Phase {
      double end, rate;  // the step at which it ends, with this rate
    };
    std::vector<Phase> phases = {{rising * steps - 1, now.learning_rate}};
    if (three_phases) phases.push_back({2 * rising * steps - 2, first});
    phases.push_back({steps - 1, last});
    Phase from = {0, first};
    for (const Phase& to : phases) {
      if (double(now.step) <= to.end || &to == &phases.back()) {
        const double length = to.end - from.end, part = length > 0 ? std::min(1.0, (double(now.step) - from.end) / length) : 1;
        if (shape == "linear") return from.rate + (to.rate - from.rate) * part;
        return to.rate + (from.rate - to.rate) * (1 + std::cos(std::numbers::pi * part)) / 2;
      }
      from = to;
    }
    return last;
  }
};
LAMINA_SCHEDULE(OneCycle, "one_cycle", "up to the learning rate and down to almost nothing")
