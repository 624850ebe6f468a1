#include <lamina/metric.hpp>
using namespace lamina;

struct Precision {
  ClassCounts counts;

  void declare(Declaration& d) {
    d.formula("right / said, averaged over classes");
    d.details(
        "The class that is said is that of the largest score, the first of equals; with threshold every index of axis 1 is a yes-or-no "
        "question "
        "of its own. 0 where nothing would be divided. Classes that are neither said nor true do not enter the mean.");
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
