#include <lamina/loss.hpp>
using namespace lamina;

struct Huber {
  double delta = 1;
  std::string reduction = "mean";

  void declare(Declaration& d) {
    d.formula(
        "with r = prediction − target: r² / 2 where |r| ≤ δ, else δ · (|r| − δ / 2)\n"
        "y = Σ weight · loss / Σ weight over all elements, weight 1 when absent");
    d.details("Prediction and target have one shape; [batch] meets [batch, 1].");
    d.source("Huber, Ann. Math. Statist. 35 (1964)");
    d.input("prediction", "[batch, …]");
    d.input("target", "as prediction");
    d.input("weight", "of samples [batch] or of elements [batch, …]");
    d.result("y", "one number");
    d.optional("delta", delta, "(0, inf)", "δ: differences beyond it count as absolute ones");
    declare_reduction(d, reduction);
    d.example(R"({"delta": 0.5})", "[[4, 3], [4, 3]]");
  }
  Tensor forward(Scope&, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    const Tensor r = abs(prediction - matched(prediction, target)), near = minimum(r, delta);
    return reduced(near * (r - 0.5 * near), weight, reduction);
  }
};
LAMINA_LOSS(Huber, "huber", "squared differences, absolute ones where they are large")
