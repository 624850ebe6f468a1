#include <lamina/metric.hpp>
using namespace lamina;

struct F1 {
  ClassCounts counts;

  void declare(Declaration& d) {
    d.formula("2 · right / (said + true), averaged over classes");
    d.source("van Rijsbergen, Information Retrieval, 1979, chapter 7");
    counts.declare(d);
  }
  std::array<Tensor, 3> sums(Scope& s, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    return counts.sums(s, prediction, target, weight);
  }
  double finish(std::span<const double> sums) const {
    return counts.finish(sums, [](const ClassCounts::Count& n) { return std::pair(2 * n.right, n.said + n.truth); });
  }
};
LAMINA_METRIC(F1, "f1", "harmonic mean of precision and recall")
