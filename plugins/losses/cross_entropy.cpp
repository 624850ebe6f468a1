#include <lamina/loss.hpp>
using namespace lamina;

struct CrossEntropy {
  void declare(Declaration& d) {
    d.formula(
        "y = mean over batch and places of −log softmax(prediction)[target], for class numbers\n"
        "y = mean over batch and places of −Σ_c target_c · log softmax(prediction)_c, for probabilities\n"
        "with weights: Σ weight · loss / Σ weight");
    d.details(
        "The softmax is part of the loss: the prediction is what the last layer gives, without one. Class numbers have any "
        "integer type; one outside of the classes gives NaN.");
    d.source("Bridle, NIPS 2 (1989)");
    d.input("prediction", "logits [batch, classes, …]");
    d.input("target", "class numbers [batch, …], or probabilities [batch, classes, …]");
    d.input("weight", "of samples [batch] or of places [batch, …]");
    d.result("y", "one number");
    d.example("{}", "[[4, 3], [4, 3]]");
  }
  Tensor forward(Scope& s, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    if (prediction.rank() < 2) s.fail("wanted logits [batch, classes, …], got the shape ", prediction.shape());
    if (holds_labels(prediction, target)) return weighted_mean(softmax_cross_entropy(prediction, as_labels(target)), weight);

    Shape places = prediction.shape();
    if (target.shape() != places)
      s.fail("the logits have the shape ", places, ", the target ", target.shape(),
             "; wanted integer class numbers without the classes axis, or probabilities of the logits' shape");
    places.erase(places.begin() + 1);
    return weighted_mean(reshape(-sum(to_real(target) * log_softmax(prediction, 1), {1}), places), weight);
  }
};
LAMINA_LOSS(CrossEntropy, "cross_entropy", "cross-entropy of logits and class numbers or probabilities")
