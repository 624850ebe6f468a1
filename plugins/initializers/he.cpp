#include <lamina/initializer.hpp>
using namespace lamina;

struct He {
  std::string distribution = "normal";

  void declare(Declaration& d) {
    d.formula(
        "variance = 2 / fan_in\n"
        "normal: mean 0 and this variance; uniform: in [−√(6 / fan_in), √(6 / fan_in))");
    d.details(
        "Keeps the variance through layers of rectifiers. fan_in: how many numbers each result is summed from. Refused for a "
        "parameter of which the layer names no fans.");
    d.source("He, Zhang, Ren & Sun, ICCV 2015, equation 10");
    d.optional("distribution", distribution, "normal | uniform",
               "which numbers of this variance: normal ones, or all of an interval alike");
    d.example(R"({"distribution": "uniform"})", "[[4, 3]]");
  }

  void fill(Randomness& random, const Shape&, int64_t fan_in, int64_t, std::span<double> values) const {
    random.scaled(values, distribution, 2, fan_in);
  }
};
LAMINA_INITIALIZER(He, "he", "variance 2 / fan_in, for rectifiers")
