/// What a training step does once its loss is known: loss (× loss scale) → gradients → unscale → finite test → clip by value → clip by
/// global norm → optimizer → commit.
#pragma once
#include <vector>

#include "program/loss_scale.hpp"
#include "program/plugin_calls.hpp"

namespace lamina::program {

/// A parameter that is learned.
struct Trained {
  size_t state;  ///< index in Graph::states
  double rate_scale;
};

class Update {
 public:
  /// `recorded` gets what the host is told of a step: "finite", and "gradient_norm" where gradients are clipped by it.
  Update(const Experiment& experiment, graph::Graph& graph, PluginCalls& calls, Recorded& recorded);

  /// A step that is not finite commits nothing: every next version is selected against the current one on the device, so the host needs no
  /// look before the next step.
  void record(const std::vector<Trained>& trained, ValueId loss, bool scale_loss);

 private:
  struct Gradient {
    const Trained* of;
    ValueId value;
  };
  void differentiate(const std::vector<Trained>& trained, ValueId of);
  Tensor finite(ValueId loss);
  Tensor clip(ValueId loss, Tensor finite);
  void optimize(const Gradient& gradient);

  const Experiment& x_;
  graph::Graph& g_;
  PluginCalls& calls_;
  Recorded& recorded_;
  lamina_scope handle_;
  Scope scope_;
  std::vector<Gradient> gradients_;  ///< of what the loss depends on
};

}  // namespace lamina::program
