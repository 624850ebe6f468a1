#include <lamina/initializer.hpp>
using namespace lamina;

/// Standard deviation √(2 / fan_in): keeps the variance through layers of rectifiers. Uniform: of (−√(6 / fan_in), √(6 / fan_in)).
/// fan_in: how many numbers each result is summed from.  Source: He, Zhang, Ren & Sun, ICCV 2015, equation 10.
struct He {
  std::string distribution = "normal";

  void declare(Declaration& d) { d.optional("distribution", distribution, "normal | uniform", "shape of the distribution"); }

  void fill(Randomness& random, const Shape&, int64_t fan_in, int64_t, std::span<double> values) const {
    random.scaled(values, distribution, 2, fan_in);
  }
};
LAMINA_INITIALIZER(He, "he", "variance 2 / fan_in, for rectifiers")
