#include <lamina/schedule.hpp>

#include <algorithm>
using namespace lamina;

struct WarmUp {
  double start_factor = 1.0 / 3;
  int64_t length = 5;
  std::string unit = "epoch";

  void declare(Declaration& d) {
    d.formula("η = η₀ · (f + (1 − f) · t / T) while t < T, then η₀");
    d.details(
        "A straight line from f · η₀ to the optimizer's learning_rate η₀, anew in every step: t counts parts of epochs. Afterwards the "
        "rate stays.");
    d.source("Goyal et al., arXiv 1706.02677 (2017), section 2.2");
    d.optional("start_factor", start_factor, "[0, 1]", "f: what the learning rate is multiplied by at the start");
    d.optional("length", length, "[1, inf)", "T: after how many units the learning rate is reached");
    declare_unit(d, unit);
    d.example(R"({"start_factor": 0.1, "length": 2})");
  }
  double rate(const Moment& now) const {
    const double part = std::min(1.0, now.passed(unit) / double(length));
    return now.learning_rate * (start_factor + (1 - start_factor) * part);
  }
};
LAMINA_SCHEDULE(WarmUp, "warm_up", "a straight line up to the learning rate")
