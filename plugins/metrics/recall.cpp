#include <lamina/metric.hpp>
using namespace lamina;

struct Recall {
  ClassCounts counts;

  void declare(Declaration& d) {
    d.formula("right / true, averaged over classes");
    d.source("Kent, Berry, Luehrs & Perry, American Documentation 6 (1955)");
    counts.declare(d);
  }
  std::array<Tensor, 3> sums(Scope& s, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    return counts.sums(s, prediction, target, weight);
  }
  double finish(std::span<const double> sums) const {
    return counts.finish(sums, [](const ClassCounts::Count& n) { return std::pair(n.right, n.truth); });
  }
};
LAMINA_METRIC(Recall, "recall", "part of what is in a class that is found")
