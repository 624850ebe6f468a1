#include <lamina/loss.hpp>
using namespace lamina;

struct Mse {
  void declare(Declaration& d) {
    d.formula(
        "y = 1/n · Σ (prediction − target)², over all n elements\n"
        "with weights: Σ weight · (prediction − target)² / Σ weight");
    d.details("Prediction and target have one shape; [batch] meets [batch, 1].");
    d.source("Legendre 1805; Gauss 1809");
    d.input("prediction", "[batch, …]");
    d.input("target", "as prediction");
    d.input("weight", "of samples [batch] or of elements [batch, …]");
    d.result("y", "one number");
    d.example("{}", "[[4, 3], [4, 3]]");
  }
  Tensor forward(Scope&, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    return weighted_mean(square(prediction - matched(prediction, target)), weight);
  }
};
LAMINA_LOSS(Mse, "mse", "mean of squared differences")
