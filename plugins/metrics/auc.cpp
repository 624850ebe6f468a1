#include <lamina/metric.hpp>

#include <algorithm>
using namespace lamina;

struct Auc {
  bool from_logits = true;
  int64_t bins = 4096;

  void declare(Declaration& d) {
    d.formula(
        "Σ positive_i · (negatives below bin i + negative_i / 2) / (positives · negatives), over the bins i of the scores\n"
        "the mean of this over all classes");
    d.details(
        "The area under the receiver operating characteristic: how often a yes scores above a no. Class numbers: each class against all "
        "others. A target of the prediction's shape: each index of axis 1 is a yes-or-no question. Scores are counted in bins of equal "
        "width in x / (1 + |x|), x being the logarithm of the odds; two scores in one bin count as equal, so the result is exact where no "
        "yes shares a bin with a no. A class without yes or without no does not enter the mean; 0.5 where none is left. NaN if a score "
        "is.");
    d.source("Hanley & McNeil, Radiology 143 (1982)");
    d.input("prediction", "scores [batch, classes, …], or [batch] for one question");
    d.input("target", "class numbers [batch, …], or 0 (no) and 1 (yes) as prediction; [batch] meets [batch, 1]");
    d.input("weight", "of samples [batch] or of places [batch, …]");
    d.result("positive", "weight of the yes in each bin, [classes · bins]");
    d.result("negative", "weight of the no in each bin, [classes · bins]");
    d.optional("from_logits", from_logits, "whether the prediction holds logits; else it holds probabilities");
    d.optional("bins", bins, "[2, 65536]", "how finely scores are told apart");
    d.example(R"({"bins": 50})", "[[4, 3], [4, 3]]");
  }
  std::array<Tensor, 2> sums(Scope& s, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    if (prediction.rank() < 1) s.fail("wanted scores [batch, …], got one number");
    const bool labels = holds_labels(prediction, target) && prediction.size(1) > 1;
    if (!labels) target = matched(prediction, target);
    Shape shape = prediction.shape();
    if (shape.size() == 1) shape.push_back(1);
    const Tensor yes = to_real(labels ? is_label(as_labels(target), shape) : reshape(target, shape) > 0.5);
    Tensor odds = reshape(prediction, shape);  // their logarithm
    if (labels && from_logits) {
      const Tensor p = log_softmax(odds, 1);
      odds = p - log(-expm1(p));
    } else if (!from_logits) {
      odds = log(odds) - log1p(-odds);
    }
    odds = minimum(maximum(odds, -1e6), 1e6);
    const Tensor place = (odds / (1 + abs(odds)) + 1) * (0.5 * double(bins));
    const Tensor index = cast(minimum(floor(place), double(bins - 1)), DType::int32) + class_numbers(s, shape) * bins;

    Shape laid = shape;
    laid[1] = 1;
    const Tensor known = select(isnan(odds), odds, 1);
    const Tensor w = weight ? known * reshape(spread(*weight, places_of(shape)), laid) : known;
    const auto histogram = [&](const Tensor& v) { return scatter_add(reshape(v, {-1}), reshape(index, {-1}), 0, {shape[1] * bins}); };
    return {histogram(w * yes), histogram(w * (1 - yes))};
  }
  double finish(std::span<const double> sums) const {
    const size_t each = size_t(bins), classes = sums.size() / 2 / each;
    double result = 0, counted = 0;
    for (size_t c = 0; c < classes; ++c) {
      double area = 0, positives = 0, negatives = 0;
      for (size_t i = c * each; i < (c + 1) * each; ++i) {
        const double positive = sums[i], negative = sums[classes * each + i];
        area += positive * (negatives + negative / 2), positives += positive, negatives += negative;
      }
      if (positives * negatives == 0) continue;
      result += area / (positives * negatives), ++counted;
    }
    return counted > 0 ? result / counted : 0.5;
  }
};
LAMINA_METRIC(Auc, "auc", "area under the receiver operating characteristic")
