#include <lamina/loss.hpp>
using namespace lamina;

/// Mean squared error: y = 1/n · Σ (prediction − target)² over all n elements; with weights Σ weight · (…)² / Σ weight.
/// prediction, target: one shape ([batch] meets [batch, 1]); weight, optional: [batch], or more of the leading axes. y: one number.
struct Mse {
  void declare(Declaration& d) {
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
