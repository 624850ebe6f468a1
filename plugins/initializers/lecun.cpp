#include <lamina/initializer.hpp>
using namespace lamina;

struct Lecun {
  std::string distribution = "normal";

  void declare(Declaration& d) {
    d.formula(
        "variance = 1 / fan_in\n"
        "normal: mean 0 and this variance; uniform: in [−√(3 / fan_in), √(3 / fan_in))");
    d.details(
        "Results have the variance of the features. fan_in: how many numbers each result is summed from. Refused for a "
        "parameter of which the layer names no fans.");
    d.source("LeCun, Bottou, Orr & Müller, \"Efficient BackProp\" (1998), equation 16");
    d.optional("distribution", distribution, "normal | uniform",
               "which numbers of this variance: normal ones, or all of an interval alike");
    d.example(R"({"distribution": "uniform"})", "[[4, 3]]");
  }

  void fill(Randomness& random, const Shape&, int64_t fan_in, int64_t, std::span<double> values) const {
    random.scaled(values, distribution, 1, fan_in);
  }
};
LAMINA_INITIALIZER(Lecun, "lecun", "variance 1 / fan_in")
