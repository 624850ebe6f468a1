#include <lamina/initializer.hpp>
using namespace lamina;

struct Zeros {
  void declare(Declaration& d) {
    d.formula("w = 0");
    d.example("{}", "[[4, 3]]");
  }
  void fill(Randomness&, const Shape&, int64_t, int64_t, std::span<double> values) const { std::fill(values.begin(), values.end(), 0.0); }
};
LAMINA_INITIALIZER(Zeros, "zeros", "zero everywhere")
