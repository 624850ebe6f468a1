#include <lamina/schedule.hpp>

#include <numbers>
using namespace lamina;

struct WarmRestarts {
  int64_t period = 10, growth = 1;
  double final_rate = 0;
  std::string unit = "epoch";

  void declare(Declaration& d) {
    d.formula("η = η₁ + (η₀ − η₁) · (1 + cos(π · t / T)) / 2, t counted from the last restart");
    d.details(
        "From the optimizer's learning_rate η₀ down to η₁ within T units, then at once back to η₀, and the next T is growth times as long. "
        "The rate is new in every step: t counts parts of epochs.");
    d.source("Loshchilov & Hutter, ICLR 2017, equation 5");
    d.required("period", period, "[1, inf)", "the first T");
    d.optional("growth", growth, "[1, inf)", "how much longer each T is than the one before");
    d.optional("final_rate", final_rate, "[0, inf)", "rate η₁ that the end of each T comes near to");
    declare_unit(d, unit);
    d.example(R"({"period": 1, "growth": 2, "final_rate": 0.001})");
  }
  double rate(const Moment& now) const {
    double t = now.passed(unit), length = double(period);
    if (growth == 1) t = std::fmod(t, length);
    while (t >= length) t -= length, length *= double(growth);
    return final_rate + (now.learning_rate - final_rate) * (1 + std::cos(std::numbers::pi * t / length)) / 2;
  }
};
LAMINA_SCHEDULE(WarmRestarts, "warm_restarts", "half cosines down from the learning rate, one after the other")
