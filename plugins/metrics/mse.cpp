#include <lamina/metric.hpp>
using namespace lamina;

/// Mean squared error over all elements of all batches: Σ weight · (prediction − target)² / Σ weight, weight 1 when absent.
/// prediction, target: one shape ([batch] meets [batch, 1]); weight, optional: [batch], or more of the leading axes.
struct Mse {
  void declare(Declaration& d) {
    d.input("prediction", "[batch, …]");
    d.input("target", "as prediction");
    d.input("weight", "of samples [batch] or of elements [batch, …]");
    d.result("squares", "weighted squares of the differences");
    d.result("count", "weight of all elements");
    d.example("{}", "[[4, 3], [4, 3]]");
  }
  std::array<Tensor, 2> sums(Scope&, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    return weighted_sums(square(prediction - matched(prediction, target)), weight);
  }
  double finish(std::span<const double> sums) const { return sums[0] / sums[1]; }
};
LAMINA_METRIC(Mse, "mse", "mean of squared differences")
