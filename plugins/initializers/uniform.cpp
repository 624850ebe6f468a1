#include <lamina/initializer.hpp>
using namespace lamina;

/// Independent uniform numbers of [low, high).
struct Uniform {
  double low = -0.05, high = 0.05;

  void declare(Declaration& d) {
    d.optional("low", low, "(-inf, inf)", "smallest value");
    d.optional("high", high, "(-inf, inf)", "bound above all values");
  }
  void fill(Randomness& random, const Shape&, int64_t, int64_t, std::span<double> values) const {
    if (!(low < high)) throw Error(describe("low = ", low, " must be below high = ", high));
    random.uniform(values, low, high);
  }
};
LAMINA_INITIALIZER(Uniform, "uniform", "uniform distribution between two bounds")
