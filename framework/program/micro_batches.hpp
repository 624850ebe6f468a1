/// Updates of several batches: what each gives is added up in states, weighted by its samples, and the last one updates.
#pragma once
#include <map>
#include <string>

#include "graph/recorder.hpp"

namespace lamina::program {

/// Nothing has to be cleared between updates: the first batch of an update finds that no samples are counted and reads no sum.
class MicroBatches {
 public:
  /// Of a program that runs `batch` samples; `more`: another batch of the same update follows.
  MicroBatches(graph::Graph& g, int64_t batch, bool more);
  lamina_scope& scope() { return handle_; }

  /// The mean over all samples so far of a mean over this batch's samples.
  graph::ValueId mean(const std::string& name, graph::ValueId of_batch);
  /// Counts this batch. Of all states that it changes, which are statistics of the layers, the version that the update began with is kept.
  void finish();
  /// What a state was when the update began.
  graph::ValueId before(const std::string& path) const;

  /// Whether a state of this path is kept here: it means nothing between updates and is no part of checkpoints.
  static bool keeps(const std::string& path) { return path.starts_with("micro_batches/"); }

 private:
  State kept(const std::string& name, const std::string& of, const Shape& shape);

  graph::Graph& g_;
  lamina_scope handle_;
  Scope scope_;
  const double batch_;
  const bool more_;
  Tensor samples_, first_;  ///< counted before this batch; whether there are none
  std::map<std::string, graph::ValueId> before_;
};

}  // namespace lamina::program
