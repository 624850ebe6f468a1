#include <lamina/transform.hpp>
using namespace lamina;

struct Normalize {
  std::optional<double> scale;
  PerChannel mean = 0.0, deviation = 1.0;

  void declare(Declaration& d) {
    d.formula("y = (x · scale − mean) / deviation");
    d.details("In the program's real type, whatever type x is stored in.");
    d.optional("scale", scale, "(-inf, inf)", "factor before all else; absent: 1/255 for data stored as uint8, 1 for all others");
    d.optional("mean", mean, "(-inf, inf)", "subtracted after scaling; one number, or one per channel");
    d.optional("deviation", deviation, "(0, inf)", "divides in the end; one number, or one per channel");
    d.input("x", "[batch, channels, …], in the type of the dataset");
    d.result("y", "[batch, channels, …]");
    d.example(R"({"mean": [0.5, 0.4, 0.3], "deviation": 0.25})", "[[2, 3, 4, 5]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    const double factor = scale.value_or(x.dtype() == DType::uint8 ? 1.0 / 255 : 1.0);
    return (to_real(x) * factor - channel_values(s, mean, x)) / channel_values(s, deviation, x);
  }
};
LAMINA_TRANSFORM(Normalize, "normalize", "scales, centres and divides, per channel")
