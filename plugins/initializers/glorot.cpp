#include <lamina/initializer.hpp>
using namespace lamina;

struct Glorot {
  std::string distribution = "uniform";

  void declare(Declaration& d) {
    d.formula(
        "variance = 2 / (fan_in + fan_out)\n"
        "normal: mean 0 and this variance; uniform: in [−√(6 / (fan_in + fan_out)), √(6 / (fan_in + fan_out)))");
    d.details(
        "A compromise between forward and backward pass. fan_in: how many numbers each result is summed from; fan_out: how "
        "many results each feature goes to. Refused for a parameter of which the layer names no fans.");
    d.source("Glorot & Bengio, AISTATS 2010, equation 16");
    d.optional("distribution", distribution, "normal | uniform",
               "which numbers of this variance: normal ones, or all of an interval alike");
    d.example(R"({"distribution": "normal"})", "[[4, 3]]");
  }

  void fill(Randomness& random, const Shape&, int64_t fan_in, int64_t fan_out, std::span<double> values) const {
    random.scaled(values, distribution, 2, fan_in + fan_out);
  }
};
LAMINA_INITIALIZER(Glorot, "glorot", "variance 2 / (fan_in + fan_out)")
