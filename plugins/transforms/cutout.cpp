#include <lamina/transform.hpp>
using namespace lamina;

struct Cutout {
  PerAxis size = 16;

  void declare(Declaration& d) {
    d.formula(
        "y[n, c, p] = 0 where c[n] − ⌊size / 2⌋ ≤ p < c[n] − ⌊size / 2⌋ + size on every spatial axis, else x[n, c, p], in training\n"
        "y = x in evaluation");
    d.details(
        "The centre c[n] is drawn from all places of the picture, for each sample, anew in every step; so a part of the square may lie "
        "outside. All channels lose it. As published it follows the normalisation, so that 0 is the mean.");
    d.source("DeVries & Taylor 2017, arXiv 1708.04552");
    d.optional("size", size, "[1, 65536]", "edge of the square along each spatial axis; published: 16 for CIFAR-10, 8 for CIFAR-100");
    d.input("x", "[batch, channels, …]");
    d.result("y", "as x, in its type");
    d.example(R"({"size": [2, 3]})", "[[4, 2, 5, 6]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    const Shape edge = size.at(std::max(0, x.rank() - 2));
    if (edge.empty()) s.fail("wanted [batch, channels, …] with at least one spatial axis, got the shape ", x.shape());
    if (!s.training()) return x;
    Tensor inside;
    for (int axis = 2; axis < x.rank(); ++axis) {
      const int64_t width = edge[size_t(axis - 2)];
      const Tensor from = random_below(s, one_per_sample(x), x.size(axis), axis) - width / 2, at = positions(s, x, axis);
      const Tensor here = logical_and(at >= from, at < from + width);
      inside = inside ? logical_and(inside, here) : here;
    }
    return select(inside, 0, x);
  }
};
LAMINA_TRANSFORM(Cutout, "cutout", "zeroes a square of each sample while training")
