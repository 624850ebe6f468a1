#include "prove/prove.hpp"

#include <exception>

namespace lamina::prove {

const std::vector<Check>& checks() {
  const std::vector<std::string> all = {"layer",    "loss",      "metric",  "initializer", "optimizer",
                                        "schedule", "transform", "dataset", "backend"},
                                 recorded = {"layer", "loss", "transform", "metric"}, differentiable = {"layer", "loss", "transform"};
  static const std::vector<Check> list = {
      {"parameters", "what is declared of parameters is true; wrong values are refused by name", all, check_parameters},
      {"example", "the documented example runs", recorded, check_example},
      {"shapes", "odd sizes, a batch of one, an axis more or less: taken, or refused with a sentence", recorded, check_shapes},
      {"gradients", "derivatives are finite differences in float64", differentiable, check_gradients},
      {"modes", "states change in training alone, nothing is random in evaluation, every parameter matters", recorded, check_modes},
      {"kernels", "kernels of its own keep to their tensors and write all of their results", recorded, check_kernels},
      {"repeatability", "the same calls record the same, the same programs give the same bits", recorded, check_repeatability},
      {"backends", "every backend agrees with the reference in float64", recorded, check_backends},
      {"sums", "a batch's sums are those of its samples; the formula is finite", {"metric"}, check_sums},
      {"descent", "it lowers a quadratic and Rosenbrock's function", {"optimizer"}, check_descent},
      {"update", "the same weights again, and on every backend", {"optimizer"}, check_update},
      {"values", "finite values, the same again, other ones for another tensor or seed", {"initializer"}, check_values},
      {"rate", "finite rates that depend on the moment alone", {"schedule"}, check_rate},
      {"samples", "opened again, it has the same samples, and class numbers name classes", {"dataset"}, check_samples},
      {"reading", "samples do not depend on order or threads, and nothing is written behind them", {"dataset"}, check_reading},
      {"devices", "devices are listed, and those that cannot be used say why", {"backend"}, check_devices},
      {"ops", "every op it takes agrees with the reference in float64, and repeats its bits", {"backend"}, check_ops},
      {"steps", "a small network trains as on the reference", {"backend"}, check_steps},
  };
  return list;
}

std::vector<std::string> names_of_checks() {
  std::vector<std::string> names;
  for (auto& check : checks()) names.push_back(check.name);
  return names;
}

void run_check(const Check& check, const Subject& subject, Findings& found) {
  try {
    check.run(subject, found);
  } catch (const std::exception& e) {
    found.fault(std::string(e.what()));
  } catch (...) {
    found.fault("the plugin threw something that is no std::exception");
  }
}

}  // namespace lamina::prove
