#include <lamina/loss.hpp>
using namespace lamina;

struct BinaryCrossEntropy {
  bool from_logits = true;
  PerChannel positive_weight = 1.0;
  std::string reduction = "mean";

  void declare(Declaration& d) {
    d.formula(
        "−w · t · log p − (1 − t) · log(1 − p), with p = sigmoid(prediction) of logits, w = positive_weight and the target t\n"
        "y = Σ weight · loss / Σ weight over all elements, weight 1 when absent");
    d.details(
        "For yes-or-no questions, one or several per sample. Logits are exact where a probability would be rounded to 0 or 1. Of "
        "probabilities the logarithms are at least −100, as PyTorch's, and have no gradient where they would be −∞. Prediction and target "
        "have one shape; [batch] meets [batch, 1].");
    d.source("Cox, J. R. Statist. Soc. B 20 (1958)");
    d.input("prediction", "logits or probabilities [batch, …]");
    d.input("target", "as prediction; 0 is no, 1 is yes, and what lies between a probability");
    d.input("weight", "of samples [batch] or of elements [batch, …]");
    d.result("y", "one number");
    d.optional("from_logits", from_logits, "whether the prediction holds logits; else it holds probabilities");
    d.optional("positive_weight", positive_weight, "[0, inf)",
               "how much a yes counts beside a no; a number, or one for each index of axis 1");
    declare_reduction(d, reduction);
    d.example(R"({"positive_weight": 2})", "[[4, 3], [4, 3]]");
  }
  /// log p, at least −100; without gradient where it would be −∞.
  static Tensor log_of(const Tensor& p) {
    const Tensor none = equal(p, 0);
    return maximum(select(none, -100, log(select(none, 1, p))), -100);
  }
  Tensor forward(Scope& s, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    const Tensor t = matched(prediction, target);
    const bool several = positive_weight.values.size() > 1;
    if (several && prediction.rank() < 2) s.fail("the prediction has the shape ", prediction.shape(), ", without an axis 1 to weigh");
    const Tensor w =
        several ? per_channel(listed(s, positive_weight.at(prediction.size(1))), prediction) : Tensor(positive_weight.values.at(0));
    if (!from_logits) return reduced(-(w * t * log_of(prediction) + (1 - t) * log_of(1 - prediction)), weight, reduction);
    // −log p = softplus(−x) and −log(1 − p) = x + softplus(−x)
    return reduced((1 - t) * prediction + (w * t + (1 - t)) * softplus(-prediction), weight, reduction);
  }
};
LAMINA_LOSS(BinaryCrossEntropy, "binary_cross_entropy", "cross-entropy of yes-or-no questions")
