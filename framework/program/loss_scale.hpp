/// Dynamic loss scaling: gradients that are stored in float16 would vanish below 6e-8, so the loss is multiplied before they are computed
/// and they are divided behind. A step that overflows is skipped and halves the scale; 1,000 good ones in a row double it. Source:
/// Micikevicius et al., "Mixed precision training", ICLR 2018, section 3.2.
#pragma once
#include <optional>
#include <string>

#include "graph/recorder.hpp"

namespace lamina::program {

class LossScale {
 public:
  explicit LossScale(graph::Graph& g);
  graph::ValueId scaled(graph::ValueId loss);
  graph::ValueId unscaled(graph::ValueId gradient);
  /// The next scale follows from whether all scaled gradients are finite. Returns what the host is told: false where the loss itself is not
  /// finite, or the gradients are not although they are not scaled any more.
  graph::ValueId commit(graph::ValueId finite, graph::ValueId loss);
  /// Whether a state of this path is kept by loss scaling: a checkpoint of another precision has none of it.
  static bool keeps(const std::string& path) { return path == "scale/loss" || path == "good_steps/loss"; }

 private:
  lamina_scope handle_;
  Scope scope_;
  std::optional<State> scale_, good_;
};

}  // namespace lamina::program
