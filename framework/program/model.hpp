/// An experiment's network, loss, metrics and optimizer as graphs. Every program of a run is asked for by one request.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/experiment.hpp"
#include "graph/error_at.hpp"
#include "graph/graph.hpp"
#include "program/fuse.hpp"

namespace lamina::program {

/// What the network may read: columns of the data set by name, as stored, without the batch axis.
using Columns = std::map<std::string, graph::TensorType>;

struct Request {
  enum class Mode { train, evaluate } mode = Mode::evaluate;
  int64_t batch = 1;
  /// "loss", "losses" (beside it each that has a name, "loss/<name>"), "prediction" (what the first loss reads), "metrics" (each
  /// "metric/<name>/<number>"), or a layer: "c1", "c1.result".
  std::vector<std::string> fetch;
  /// Gradients of `differentiate` are fetched as "gradient/<name>" for each name: a parameter ("c1/weight"), a column, or a layer.
  std::string differentiate = "loss";
  std::vector<std::string> with_respect_to;
  /// Gradients of all trainable parameters, finite test (fetched as "finite"), clipping ("gradient_norm"), optimizer, commit.
  bool update = false;
  /// Gradients are stored in float16: the loss is scaled, see program/loss_scale.hpp.
  bool scale_loss = false;
  /// Of the batches of one update, any but the last: adds its gradients up, updates nothing and fetches nothing.
  bool accumulate = false;
};

struct RecordedLayer {
  std::string path, type;
  std::vector<graph::TensorType> results;
  std::vector<std::string> parameters;  ///< paths; of a layer that shares, none
  int64_t parameter_count = 0;
  std::vector<std::string> trained;  ///< those of the parameters that are learned
  int64_t trained_count = 0;
};

struct Recorded {
  std::unique_ptr<graph::Graph> graph;
  std::vector<NamedValue> outputs;
  std::vector<RecordedLayer> layers;
  std::vector<std::string> without_gradient;  ///< trainable parameters that the loss does not depend on
  /// What recorded the ops of a path: "layer 'c1' (conv)", and where the experiment names it.
  struct Origin {
    std::string where;
    Place place;
  };
  std::map<std::string, Origin> origins;
  /// Throws the error as a fault at the place in the experiment that it comes from.
  [[noreturn]] void refuse(const graph::ErrorAt& error) const;
};

/// Records what the request asks for, in float32 or float64. Throws ConfigError with the place of the layer that does not fit;
/// Failure(Exit::plugin) for a plugin whose table or results are not as promised.
Recorded record(const Experiment& experiment, const Columns& columns, const Request& request, DType real);

}  // namespace lamina::program
