#include <lamina/metric.hpp>
using namespace lamina;

struct Accuracy {
  std::optional<double> threshold;

  void declare(Declaration& d) {
    d.formula("correct / count");
    d.details(
        "The part of the places where the largest of the prediction's classes is the target's. The prediction may be logits or "
        "probabilities; of equals the first counts. Of a target that is probabilities the largest counts. With threshold, the part of "
        "the yes-or-no questions that are answered rightly. The confusion matrix of a classifier with one label per sample stands in "
        "run.h5 without being asked for.");
    d.input("prediction", "[batch, classes, …]; with threshold one score per question [batch, …]");
    d.input("target", "class numbers [batch, …], or probabilities [batch, classes, …]; with threshold 0 (no) or 1 (yes), as prediction");
    d.input("weight", "of samples [batch] or of places [batch, …]");
    d.result("correct", "weight of the places that are right");
    d.result("count", "weight of all places");
    declare_threshold(d, threshold);
    d.example("{}", "[[4, 3], [4, 3]]");
  }
  std::array<Tensor, 2> sums(Scope& s, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    if (threshold) {
      const auto [said, truly] = decisions(prediction, target, *threshold);
      return weighted_sums(to_real(equal(said, truly)), weight);
    }
    const Tensor right = labels_of(s, prediction, target), best = reshape(argmax(prediction, 1), right.shape());
    return weighted_sums(to_real(equal(best, right)), weight);
  }
  double finish(std::span<const double> sums) const { return sums[0] / sums[1]; }
};
LAMINA_METRIC(Accuracy, "accuracy", "part of the predictions that are right")
