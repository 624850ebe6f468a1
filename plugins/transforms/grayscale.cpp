#include <lamina/transform.hpp>
using namespace lamina;

struct Grayscale {
  std::vector<double> weights = {0.299, 0.587, 0.114};

  void declare(Declaration& d) {
    d.formula("y[n, 0, p] = Σ_c weights[c] · x[n, c, p]");
    d.details(
        "In the type of x. Of whole numbers: weights to the nearest 2⁻¹⁶, so that the sum is exact, and the result rounded, a half up, "
        "and kept within the type.");
    d.source("luma of ITU-R Recommendation BT.601");
    d.optional("weights", weights, "(-inf, inf)", "one per channel; the default is for red, green, blue");
    d.input("x", "[batch, channels, …]");
    d.result("y", "[batch, 1, …]");
    d.example(R"({"weights": [0.2126, 0.7152, 0.0722]})", "[[2, 3, 4, 5]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    if (x.rank() < 2 || x.size(1) != int64_t(weights.size()))
      s.fail("wanted [batch, channels, …] with the ", weights.size(), " channels of \"weights\", got the shape ", x.shape());
    PerChannel each = weights;
    for (double& w : each.values) w = x.is_real() ? w : std::nearbyint(w * 65536) / 65536;
    return as_stored(sum(to_real(x) * channel_values(s, each, x), {1}), x);
  }
};
LAMINA_TRANSFORM(Grayscale, "grayscale", "one channel of brightness from red, green and blue")
