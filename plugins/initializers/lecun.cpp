#include <lamina/initializer.hpp>
using namespace lamina;

/// Standard deviation 1 / √fan_in: results have the variance of the features. Uniform: of (−√(3 / fan_in), √(3 / fan_in)).
/// fan_in: how many numbers each result is summed from.  Source: LeCun, Bottou, Orr & Müller, "Efficient BackProp" (1998), equation 16.
struct Lecun {
  std::string distribution = "normal";

  void declare(Declaration& d) { d.optional("distribution", distribution, "normal | uniform", "shape of the distribution"); }

  void fill(Randomness& random, const Shape&, int64_t fan_in, int64_t, std::span<double> values) const {
    random.scaled(values, distribution, 1, fan_in);
  }
};
LAMINA_INITIALIZER(Lecun, "lecun", "variance 1 / fan_in")
