#include <numbers>

#include <lamina/transform.hpp>
using namespace lamina;

struct Noise {
  double deviation = 0.1;

  void declare(Declaration& d) {
    d.formula(
        "y = x + deviation · √(−2 ln(1 − u)) · cos(2πv) in training, u and v uniform in [0, 1)\n"
        "y = x in evaluation");
    d.details(
        "Gaussian, drawn for each element, anew in every step; u has 24 bits, so nothing lies beyond 5.8 deviations. In the type of x: "
        "whole numbers are rounded and kept within the type.");
    d.source("Box & Muller, Annals of Mathematical Statistics 29 (1958)");
    d.optional("deviation", deviation, "[0, inf)", "standard deviation, in the unit of x where the transform stands");
    d.input("x", "[batch, …]");
    d.result("y", "as x");
    d.example(R"({"deviation": 0.3})", "[[3, 2, 4]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    if (!s.training() || deviation == 0) return x;
    const Tensor u = s.random_uniform(x.shape(), "radius"), v = s.random_uniform(x.shape(), "angle");
    return as_stored(to_real(x) + deviation * sqrt(-2 * log1p(-u)) * cos(2 * std::numbers::pi * v), x);
  }
};
LAMINA_TRANSFORM(Noise, "noise", "adds Gaussian noise while training")
