#include <lamina/loss.hpp>
using namespace lamina;

struct Mse {
  std::string reduction = "mean";

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
    declare_reduction(d, reduction);
    d.example(R"({"reduction": "sum"})", "[[4, 3], [4, 3]]");
  }
  Tensor forward(Scope&, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    return reduced(square(prediction - matched(prediction, target)), weight, reduction);
  }
};
LAMINA_LOSS(Mse, "mse", "mean of squared differences")
