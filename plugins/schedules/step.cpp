#include <lamina/schedule.hpp>

#include <algorithm>
using namespace lamina;

struct Step {
  std::optional<int64_t> every;
  std::vector<int64_t> milestones;
  double gamma = 0.1;
  std::string unit = "epoch";

  void declare(Declaration& d) {
    d.formula("η = η₀ · γⁿ, n = ⌊t / every⌋, or how many milestones are at most t");
    d.details("η₀ is the optimizer's learning_rate, t the number of epochs or steps that are done. Give every or milestones, not both.");
    d.source("Krizhevsky, Sutskever & Hinton, NIPS 2012, section 5, by hand");
    d.optional("every", every, "[1, inf)", "the rate falls each time so many units are done");
    d.optional("milestones", milestones, "[1, inf)", "the rate falls when so many units are done, once for each entry");
    d.optional("gamma", gamma, "[0, inf)", "γ: what the rate is multiplied by");
    declare_unit(d, unit);
    d.example(R"({"every": 2, "gamma": 0.5})");
  }
  double rate(const Moment& now) const {
    if (every.has_value() == !milestones.empty())
      throw Error(every ? "\"every\" and \"milestones\" both say when the rate falls; give one of them"
                        : "nothing says when the rate falls; give \"every\" or \"milestones\"",
                  every ? "milestones" : "");
    const int64_t t = now.done(unit);
    const auto falls = every ? t / *every : std::count_if(milestones.begin(), milestones.end(), [&](int64_t m) { return m <= t; });
    return now.learning_rate * std::pow(gamma, double(falls));
  }
};
LAMINA_SCHEDULE(Step, "step", "a learning rate that falls by a factor now and then")
