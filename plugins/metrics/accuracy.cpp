#include <lamina/metric.hpp>
using namespace lamina;

struct Accuracy {
  void declare(Declaration& d) {
    d.formula("correct / count");
    d.details(
        "The part of the places where the largest of the prediction's classes is the target's. The prediction may be logits or "
        "probabilities; of equals the first counts. Of a target that is probabilities the largest counts.");
    d.input("prediction", "[batch, classes, …]");
    d.input("target", "class numbers [batch, …], or probabilities [batch, classes, …]");
    d.input("weight", "of samples [batch] or of places [batch, …]");
    d.result("correct", "weight of the places that are right");
    d.result("count", "weight of all places");
    d.example("{}", "[[4, 3], [4, 3]]");
  }
  std::array<Tensor, 2> sums(Scope& s, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    Shape places = prediction.shape();
    const bool labels = holds_labels(prediction, target);
    if (places.size() < 2 || (!labels && target.shape() != places))
      s.fail("the prediction has the shape ", places, ", the target ", target.shape(),
             "; wanted [batch, classes, …] and integer class numbers [batch, …], or two equal shapes");
    places.erase(places.begin() + 1);
    const Tensor best = reshape(argmax(prediction, 1), places);
    const Tensor right = labels ? as_labels(target) : reshape(argmax(target, 1), places);
    return weighted_sums(to_real(equal(best, right)), weight);
  }
  double finish(std::span<const double> sums) const { return sums[0] / sums[1]; }
};
LAMINA_METRIC(Accuracy, "accuracy", "part of the predictions that are right")
