#include <lamina/initializer.hpp>
using namespace lamina;

struct Uniform {
  double low = -0.05, high = 0.05;

  void declare(Declaration& d) {
    d.formula("w = low + (high − low) · u, u uniform in [0, 1), each element for itself");
    d.optional("low", low, "(-inf, inf)", "smallest value that can be drawn");
    d.optional("high", high, "(-inf, inf)", "bound above all values, itself never drawn; more than low");
    d.example(R"({"low": -0.1, "high": 0.1})", "[[4, 3]]");
  }
  void fill(Randomness& random, const Shape&, int64_t, int64_t, std::span<double> values) const {
    if (!(low < high)) throw Error(describe("low = ", low, " must be below high = ", high));
    random.uniform(values, low, high);
  }
};
LAMINA_INITIALIZER(Uniform, "uniform", "uniform distribution between two bounds")
