#include <lamina/metric.hpp>
using namespace lamina;

struct Mae {
  void declare(Declaration& d) {
    d.formula("distances / count = Σ weight · |prediction − target| / Σ weight, weight 1 when absent");
    d.details("Over all elements of all batches. Prediction and target have one shape; [batch] meets [batch, 1].");
    d.input("prediction", "[batch, …]");
    d.input("target", "as prediction");
    d.input("weight", "of samples [batch] or of elements [batch, …]");
    d.result("distances", "weighted distances");
    d.result("count", "weight of all elements");
    d.example("{}", "[[4, 3], [4, 3]]");
  }
  std::array<Tensor, 2> sums(Scope&, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    return weighted_sums(abs(prediction - matched(prediction, target)), weight);
  }
  double finish(std::span<const double> sums) const { return sums[0] / sums[1]; }
};
LAMINA_METRIC(Mae, "mae", "mean of absolute differences")
