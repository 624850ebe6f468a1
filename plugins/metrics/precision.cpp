#include <lamina/metric.hpp>
using namespace lamina;

struct Precision {
  ClassCounts counts;

  void declare(Declaration& d) {
    d.formula("right / said, averaged over classes");
    d.source("Kent, Berry, Luehrs & Perry, American Documentation 6 (1955)");
    counts.declare(d);
  }
  std::array<Tensor, 3> sums(Scope& s, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    return counts.sums(s, prediction, target, weight);
  }
  double finish(std::span<const double> sums) const {
    return counts.finish(sums, [](const ClassCounts::Count& n) { return std::pair(n.right, n.said); });
  }
};
LAMINA_METRIC(Precision, "precision", "part of what is said to be in a class that is")
