#include <lamina/layer.hpp>
#include <numbers>
using namespace lamina;

struct Gelu {
  std::string approximate = "none";

  void declare(Declaration& d) {
    d.formula(
        "none: y = x · Φ(x), Φ(x) = (1 + erf(x / √2)) / 2 the normal distribution\n"
        "tanh: y = x / 2 · (1 + tanh(√(2 / π) · (x + 0.044715x³)))");
    d.source("Hendrycks & Gimpel 2016, arXiv 1606.08415");
    d.optional("approximate", approximate, "none | tanh", "whether Φ is exact, or within 5e-4 by a tanh as many published nets have it");
    d.example("{}", "[[3, 5]]");
  }

  Tensor forward(Scope&, Tensor x) const {
    if (approximate == "none") return 0.5 * x * (1 + erf(x * (1 / std::numbers::sqrt2)));
    // (1 + tanh z) / 2 is sigmoid(2z), which keeps its digits where tanh is near −1.
    const double slope = 2 * std::sqrt(2 / std::numbers::pi);
    return x * sigmoid(slope * x * (1 + 0.044715 * square(x)));
  }
};
LAMINA_LAYER(Gelu, "gelu", "Gaussian error linear unit")
