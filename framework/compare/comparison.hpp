/// The same training steps on several backends, layer by layer.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "config/experiment.hpp"

namespace lamina::compare {

/// One backend at work.
struct Contestant {
  std::string backend, device, precision;
  std::vector<double> losses;  ///< of each step
  double step_seconds = 0;     ///< median
};

/// A tensor on every backend but the first: how far it ever was from the first's, relative to max(1, |truth|).
struct TensorDistance {
  std::string tensor, layer;  ///< "c1/weight" of "c1"
  std::vector<double> distances;
};

/// Tensors in the order in which the pass comes to them.
struct Pass {
  const char* name;
  std::vector<TensorDistance> tensors;
  /// The first tensor of a backend that is farther than `tolerance`; null: none is.
  const TensorDistance* first_over(size_t backend, double tolerance) const;
  /// Largest distance of a layer's tensors; nothing where the pass has none of it.
  std::optional<double> of_layer(const std::string& layer, size_t backend) const;
};

struct LayerTime {
  std::string path;                            ///< of a layer, or "loss", "optimizer", …
  std::vector<std::optional<double>> seconds;  ///< per step, forward, backward and update together; of every backend that has a clock
};

struct Comparison {
  int64_t batch = 0;
  std::vector<Contestant> backends;  ///< the first is the truth
  std::vector<std::string> layers;   ///< in the order of the network
  /// "forward": outputs of layers in training mode; "gradient": of the loss, layers from the last to the first; "parameters": these and
  /// running statistics after a step. Each the farthest of all steps.
  std::vector<Pass> passes;
  std::vector<LayerTime> times;
  bool within(double tolerance) const;
};

struct Options {
  int64_t steps = 3;
  double tolerance = 1e-3;
  bool drift = false;  ///< each goes on from its own weights, so that what differs grows as it does in a run
};

/// Trains the experiments, which differ in their backends alone, step by step on the same batches. Every step begins on all of them from
/// the first one's state, rounded to float32 where one of them computes in it; with `drift`, the first step alone. Each step is looked into
/// before it is done; what is timed and changes the weights is the program that a run uses. Failure and ConfigError as of a run.
Comparison compare_backends(const std::vector<Experiment>& experiments, Catalogue& catalogue, const Options& options);

}  // namespace lamina::compare
