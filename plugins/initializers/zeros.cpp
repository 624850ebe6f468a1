#include <lamina/initializer.hpp>
using namespace lamina;

/// Every element starts at 0.
struct Zeros {
  void fill(Randomness&, const Shape&, int64_t, int64_t, std::span<double> values) const { std::fill(values.begin(), values.end(), 0.0); }
};
LAMINA_INITIALIZER(Zeros, "zeros", "zero everywhere")
