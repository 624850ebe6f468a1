#include <lamina/loss.hpp>
using namespace lamina;

struct KlDivergence {
  bool log_target = false;
  std::string reduction = "mean";

  void declare(Declaration& d) {
    d.formula(
        "t · (log t − prediction) at each element of the target t, exp(t) · (t − prediction) with log_target\n"
        "y = Σ weight · loss / Σ weight over all elements (mean), Σ weight · loss (sum), or that sum / batch size (batchmean)");
    d.details(
        "How far the distribution of the target is from that of the prediction. Only `batchmean` is the divergence itself; `mean` divides "
        "by the number of classes too, and is PyTorch's default. A target of 0 gives 0, whatever the prediction; one below 0 NaN.");
    d.source("Kullback & Leibler, Ann. Math. Statist. 22 (1951)");
    d.input("prediction", "log-probabilities [batch, …]");
    d.input("target", "as prediction; probabilities, or their logarithms with log_target");
    d.input("weight", "of samples [batch] or of elements [batch, …]");
    d.result("y", "one number");
    d.optional("log_target", log_target, "whether the target holds logarithms of probabilities");
    d.optional("reduction", reduction, "mean | sum | batchmean", "what becomes of the numbers of a batch");
    d.example(R"({"log_target": true})", "[[4, 3], [4, 3]]");
  }
  Tensor forward(Scope& s, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    if (prediction.rank() < 1) s.fail("wanted a prediction [batch, …], got one number");
    const Tensor t = matched(prediction, target);
    const Tensor p = log_target ? exp(t) : t, none = equal(p, 0);
    const Tensor log_p = log_target ? select(none, 0, t) : log(select(none, 1, t));
    const Tensor terms = p * (log_p - select(none, 0, prediction));  // not 0 · ∞ where the prediction is −∞
    return reduction == "batchmean" ? reduced(terms, weight, "sum") / prediction.size(0) : reduced(terms, weight, reduction);
  }
};
LAMINA_LOSS(KlDivergence, "kl_divergence", "divergence of a distribution from the predicted one")
