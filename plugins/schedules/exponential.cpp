#include <lamina/schedule.hpp>
using namespace lamina;

struct Exponential {
  double gamma = 0.9;
  std::string unit = "epoch";

  void declare(Declaration& d) {
    d.formula("η = η₀ · γᵗ");
    d.details("η₀ is the optimizer's learning_rate, t the number of epochs or steps that are done.");
    d.source("Senior, Heigold, Ranzato & Yang, ICASSP 2013, section 3");
    d.required("gamma", gamma, "(0, inf)", "γ: what the rate is multiplied by in each unit");
    declare_unit(d, unit);
    d.example(R"({"gamma": 0.9})");
  }
  double rate(const Moment& now) const { return now.learning_rate * std::pow(gamma, double(now.done(unit))); }
};
LAMINA_SCHEDULE(Exponential, "exponential", "a learning rate that falls by the same factor each time")
