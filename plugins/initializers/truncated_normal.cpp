#include <lamina/initializer.hpp>
using namespace lamina;

struct TruncatedNormal {
  double mean = 0, deviation = 1, low = -2, high = 2;

  void declare(Declaration& d) {
    d.formula(
        "w = mean + deviation · z with Φ(z) uniform between Φ((low − mean) / deviation) and Φ((high − mean) / deviation)\n"
        "Φ(z) = erfc(−z / √2) / 2");
    d.details(
        "A normal distribution of which only what lies within [low, high] is kept, so the deviation of w is smaller than `deviation`. "
        "The bounds are values of w, as PyTorch's, not deviations. Refused where nothing lies between them.");
    d.source("Robert, Statistics and Computing 5 (1995); by inversion");
    d.optional("mean", mean, "(-inf, inf)", "mean of the distribution before it is cut off");
    d.optional("deviation", deviation, "(0, inf)", "standard deviation of the distribution before it is cut off");
    d.optional("low", low, "(-inf, inf)", "smallest value");
    d.optional("high", high, "(-inf, inf)", "largest value");
    d.example(R"({"deviation": 0.1, "low": -0.2, "high": 0.15})", "[[4, 3]]");
  }
  void fill(Randomness& random, const Shape&, int64_t, int64_t, std::span<double> values) const {
    if (!(low < high)) throw Error(describe("\"low\" is ", low, " and \"high\" is ", high, "; wanted low below high"), "low");
    // Left of 0, where tails keep their digits: the distribution is mirrored when most of it lies to the right.
    const double side = low + high > 2 * mean ? -1 : 1;
    double least = side * ((side > 0 ? low : high) - mean) / deviation, most = side * ((side > 0 ? high : low) - mean) / deviation;
    const double from = below(least), to = below(most);
    if (!(from < to))
      throw Error(
          describe("nothing of a normal distribution of mean ", mean, " and deviation ", deviation, " lies within [", low, ", ", high, "]"),
          "low");
    random.uniform(values, from, to);
    for (double& w : values) w = std::min(std::max(mean + side * deviation * inverse(w, least, most), low), high);
  }

 private:
  static double below(double z) { return std::erfc(-z * std::numbers::sqrt2 / 2) / 2; }
  /// z in [least, most] with Φ(z) = p: Newton's steps, halving the interval where they would leave it.
  static double inverse(double p, double least, double most) {
    double z = std::min(std::max(0.0, least), most);
    for (int k = 0; k < 80; ++k) {
      const double off = below(z) - p;
      (off < 0 ? least : most) = z;
      double next = z - off * std::sqrt(2 * std::numbers::pi) * std::exp(z * z / 2);
      if (!(next > least && next < most)) next = (least + most) / 2;
      if (std::abs(next - z) <= 1e-15 * std::max(1.0, std::abs(z))) return next;
      z = next;
    }
    return z;
  }
};
LAMINA_INITIALIZER(TruncatedNormal, "truncated_normal", "normal distribution within bounds")
