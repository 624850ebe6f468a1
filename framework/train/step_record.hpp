/// The tensors of chosen steps that an experiment's section "record" asks for.
#pragma once
#include <string>
#include <vector>

#include "record/snapshot.hpp"
#include "train/loader.hpp"
#include "train/run_folder.hpp"
#include "train/schedule.hpp"
#include "train/workbench.hpp"

namespace lamina {

/// Looks into steps before they are taken, which changes nothing about them: activations and gradients come from a program that runs the
/// step's batch without an update, weights from the state. Each step is a file of its own in the run folder as soon as it is recorded;
/// run.h5 is made of these files when the run ends or stops.
class StepRecord {
 public:
  /// What one run may record, in all: it lies in run.h5, which is written whole.
  static constexpr uint64_t byte_limit = uint64_t(256) << 20;

  /// Finds what is named and compiles. ConfigError for a pattern that nothing has, and for more than byte_limit.
  StepRecord(Workbench& bench, const Course& course);

  /// Whether the step after `done` steps is one of them.
  bool wants(int64_t done) const;
  /// Records the step that `moment` begins, on these samples. Nothing else of the session may be under way.
  void take(const RunFolder& folder, const program::Moment& moment, const int64_t* rows, int64_t samples);

 private:
  struct Look {
    program::Executable* program = nullptr;
    Loader::Columns columns;
  };
  Look look(int64_t samples);
  void limit(const Course& course) const;

  Workbench& bench_;
  const RecordConfig& wanted_;
  const int64_t steps_per_epoch_;
  std::vector<std::string> activations_, gradients_;
  std::vector<size_t> weights_;  ///< entries of the state
  Look full_, rest_;
  Loader loader_;
};

/// Everything that was recorded in a run folder, for its run.h5. A step whose file is damaged is left out, with a sentence in `damaged`.
RecordedSteps recorded_steps(const RunFolder& folder, std::vector<std::string>& damaged);

}  // namespace lamina
