#include <lamina/initializer.hpp>
using namespace lamina;

struct Constant {
  double value = 0;

  void declare(Declaration& d) {
    d.formula("w = value");
    d.required("value", value, "(-inf, inf)", "what every element starts at");
    d.example(R"({"value": 0.1})", "[[4, 3]]");
  }
  void fill(Randomness&, const Shape&, int64_t, int64_t, std::span<double> values) const { std::fill(values.begin(), values.end(), value); }
};
LAMINA_INITIALIZER(Constant, "constant", "one value everywhere")
