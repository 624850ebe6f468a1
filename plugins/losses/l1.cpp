#include <lamina/loss.hpp>
using namespace lamina;

struct L1 {
  std::string reduction = "mean";

  void declare(Declaration& d) {
    d.formula(
        "y = 1/n · Σ |prediction − target|, over all n elements\n"
        "with weights: Σ weight · |prediction − target| / Σ weight");
    d.details("Prediction and target have one shape; [batch] meets [batch, 1]. The derivative at equality is 0.");
    d.source("Boscovich 1757; Laplace 1774");
    d.input("prediction", "[batch, …]");
    d.input("target", "as prediction");
    d.input("weight", "of samples [batch] or of elements [batch, …]");
    d.result("y", "one number");
    declare_reduction(d, reduction);
    d.example(R"({"reduction": "sum"})", "[[4, 3], [4, 3]]");
  }
  Tensor forward(Scope&, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    return reduced(abs(prediction - matched(prediction, target)), weight, reduction);
  }
};
LAMINA_LOSS(L1, "l1", "mean of absolute differences")
