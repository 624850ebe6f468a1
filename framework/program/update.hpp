/// What a training step does once its loss is known: loss (× loss scale) → gradients → accumulate → unscale → finite test → clip by value →
/// clip by global norm → optimizer → average → commit.
#pragma once
#include <string>
#include <vector>

#include "program/loss_scale.hpp"
#include "program/micro_batches.hpp"
#include "program/plugin_calls.hpp"

namespace lamina::program {

/// The state that holds the average of a parameter or statistic.
inline std::string average_of(const std::string& path) { return "average/" + path; }

/// A parameter that is learned.
struct Trained {
  size_t state;  ///< index in Graph::states
  double rate_scale;
  const PluginConfig* optimizer;
  std::string group;  ///< of the parameter, where it has settings of its own
};

class Update {
 public:
  /// `recorded` holds the losses that the host is told; it gets "finite", and "gradient_norm" where gradients are clipped by it.
  Update(const Experiment& experiment, graph::Graph& graph, PluginCalls& calls, Recorded& recorded);

  /// A step that is not finite commits nothing: every next version is selected against the current one on the device, so the host needs no
  /// look before the next step.
  void record(const std::vector<Trained>& trained, ValueId loss, const Request& request);

 private:
  struct Gradient {
    const Trained* of;
    ValueId value;
  };
  void differentiate(const std::vector<Trained>& trained, ValueId of);
  void accumulate(ValueId& loss, MicroBatches& batches);
  Tensor finite(ValueId loss);
  Tensor clip(ValueId loss, Tensor finite);
  void optimize(const Gradient& gradient);
  void average();
  /// The scope while plain tensors are recorded under this name.
  lamina_scope& at(const char* path, const char* where);

  const Experiment& x_;
  graph::Graph& g_;
  PluginCalls& calls_;
  Recorded& recorded_;
  lamina_scope handle_;
  Scope scope_;
  std::vector<Gradient> gradients_;  ///< of what the loss depends on
};

}  // namespace lamina::program
