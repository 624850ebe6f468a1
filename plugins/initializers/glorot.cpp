#include <lamina/initializer.hpp>
using namespace lamina;

/// Variance 2 / (fan_in + fan_out): a compromise between forward and backward pass. Uniform: of (−√(6 / (fan_in + fan_out)), √(…)).
/// fan_in: how many numbers each result is summed from; fan_out: how many results each feature goes to.
/// Source: Glorot & Bengio, AISTATS 2010, equation 16.
struct Glorot {
  std::string distribution = "uniform";

  void declare(Declaration& d) { d.optional("distribution", distribution, "normal | uniform", "shape of the distribution"); }

  void fill(Randomness& random, const Shape&, int64_t fan_in, int64_t fan_out, std::span<double> values) const {
    random.scaled(values, distribution, 2, fan_in + fan_out);
  }
};
LAMINA_INITIALIZER(Glorot, "glorot", "variance 2 / (fan_in + fan_out)")
