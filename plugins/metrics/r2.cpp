#include <lamina/metric.hpp>
using namespace lamina;

struct R2 {
  double center = 0;

  void declare(Declaration& d) {
    d.formula("1 − Σ (prediction − target)² / Σ (target − mean)², over the samples; the mean of this over all features");
    d.details(
        "The part of the target's variance that the prediction explains: 1 is perfect, 0 is as good as the mean, and it may be below. A "
        "feature whose target does not vary gives 1 if it is met, else 0. Weights count as samples. The variance comes from sums of "
        "squares, which lose digits when the targets are large and vary little: a Σ (target − mean)² of at most 10⁻⁶ · Σ (target − "
        "center)² is rounding and counts as none. A center near the targets keeps the digits. Prediction and target have one shape; "
        "[batch] meets [batch, 1].");
    d.source("Wright, J. Agric. Res. 20 (1921)");
    d.input("prediction", "[batch, …]");
    d.input("target", "as prediction");
    d.input("weight", "of samples [batch] or of elements [batch, …]");
    d.result("residual", "weighted squares of the differences, of each feature […]");
    d.result("target", "weighted targets, of each feature");
    d.result("square", "their weighted squares");
    d.result("count", "weights");
    d.optional("center", center, "(-inf, inf)", "a number near the targets, which is subtracted before they are squared");
    d.example(R"({"center": 0.5})", "[[4, 3], [4, 3]]");
  }
  std::array<Tensor, 4> sums(Scope& s, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    if (prediction.rank() < 1) s.fail("wanted a prediction [batch, …], got one number");
    const Tensor wanted = matched(prediction, target), t = wanted - center;
    const Tensor w = weight ? spread(*weight, prediction.shape()) : t * 0 + 1;
    return {sum(w * square(prediction - wanted), {0}), sum(w * t, {0}), sum(w * square(t), {0}), sum(w, {0})};
  }
  double finish(std::span<const double> sums) const {
    const size_t features = sums.size() / 4;
    double result = 0;
    for (size_t f = 0; f < features; ++f) {
      const double residual = sums[f], t = sums[features + f], squares = sums[2 * features + f], count = sums[3 * features + f];
      const double variance = squares - t * t / count;
      result += variance > 1e-6 * squares ? 1 - residual / variance : residual > 0 ? 0 : residual + 1;
    }
    return result / double(features);
  }
};
LAMINA_METRIC(R2, "r2", "part of the variance that is explained")
