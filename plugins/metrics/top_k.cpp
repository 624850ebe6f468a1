#include <lamina/metric.hpp>
using namespace lamina;

struct TopK {
  int64_t k = 5;

  void declare(Declaration& d) {
    d.formula("correct / count");
    d.details(
        "The part of the places where the target's class is among the prediction's k largest. Of equals the first counts as larger, and so "
        "does NaN. Of a target that is probabilities the largest counts. With k = 1 it is `accuracy`.");
    d.source("Russakovsky et al., IJCV 115 (2015), section 4.1");
    d.input("prediction", "[batch, classes, …]");
    d.input("target", "class numbers [batch, …], or probabilities [batch, classes, …]");
    d.input("weight", "of samples [batch] or of places [batch, …]");
    d.result("correct", "weight of the places that are right");
    d.result("count", "weight of all places");
    d.optional("k", k, "[1, inf)", "how many classes may be named");
    d.example(R"({"k": 2})", "[[4, 3], [4, 3]]");
  }
  std::array<Tensor, 2> sums(Scope& s, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    const Tensor right = labels_of(s, prediction, target);
    const Shape shape = prediction.shape(), places = right.shape();
    if (k > shape[1]) throw Error(describe("\"k\" is ", k, ", but there are only ", shape[1], " classes"), "k");
    Shape laid = shape;
    laid[1] = 1;
    const Tensor score = reshape(at_label(prediction, right), laid);
    const Tensor tied = logical_and(equal(prediction, score), class_numbers(s, shape) < reshape(right, laid));
    const Tensor before = logical_or(logical_not(prediction <= score), tied);
    const Tensor rank = reshape(sum(to_real(before), {1}), places);
    return weighted_sums(to_real(rank < k), weight);
  }
  double finish(std::span<const double> sums) const { return sums[0] / sums[1]; }
};
LAMINA_METRIC(TopK, "top_k", "part of the places whose class is among the k likeliest")
