#include <lamina/loss.hpp>
using namespace lamina;

struct SmoothL1 {
  double beta = 1;
  std::string reduction = "mean";

  void declare(Declaration& d) {
    d.formula(
        "with r = prediction − target: r² / (2β) where |r| < β, else |r| − β / 2\n"
        "y = Σ weight · loss / Σ weight over all elements, weight 1 when absent");
    d.details(
        "`huber` with δ = β, divided by β: the slope far out is always 1. Prediction and target have one shape; [batch] meets [batch, 1].");
    d.source("Girshick, ICCV 2015, equation 3");
    d.input("prediction", "[batch, …]");
    d.input("target", "as prediction");
    d.input("weight", "of samples [batch] or of elements [batch, …]");
    d.result("y", "one number");
    d.optional("beta", beta, "(0, inf)", "β: differences below it count as squared ones");
    declare_reduction(d, reduction);
    d.example(R"({"beta": 0.5})", "[[4, 3], [4, 3]]");
  }
  Tensor forward(Scope&, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    const Tensor r = abs(prediction - matched(prediction, target)), near = minimum(r, beta);
    return reduced(near * (r - 0.5 * near) / beta, weight, reduction);
  }
};
LAMINA_LOSS(SmoothL1, "smooth_l1", "absolute differences, squared ones where they are small")
