#include <lamina/initializer.hpp>
using namespace lamina;

struct Normal {
  double mean = 0, deviation = 0.01;

  void declare(Declaration& d) {
    d.formula("w = mean + deviation · z, z normal with mean 0 and deviation 1, each element for itself");
    d.source("default deviation: Krizhevsky, Sutskever & Hinton, NIPS 2012, section 5");
    d.optional("mean", mean, "(-inf, inf)", "mean of the distribution");
    d.optional("deviation", deviation, "[0, inf)", "standard deviation of the distribution");
    d.example(R"({"deviation": 0.1})", "[[4, 3]]");
  }
  void fill(Randomness& random, const Shape&, int64_t, int64_t, std::span<double> values) const { random.normal(values, mean, deviation); }
};
LAMINA_INITIALIZER(Normal, "normal", "normal distribution of given mean and deviation")
