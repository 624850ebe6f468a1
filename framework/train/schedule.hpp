/// How long a run is and what its learning rate is at each step.
#pragma once
#include <string>
#include <vector>

#include <lamina/abi.h>

#include "config/experiment.hpp"
#include "graph/recorder.hpp"
#include "record/journal.hpp"

namespace lamina {

/// Steps (updates) and epochs of a whole run. The last epoch may be cut short by training.steps; its last step may have fewer batches than
/// others.
struct Course {
  /// `samples` of the training split, `batch` of a full step. std::runtime_error where the number of steps overflows.
  Course(const TrainingConfig& training, int64_t samples, int64_t batch);
  int64_t batches_per_step, batches_per_epoch, steps_per_epoch, steps, epochs;
};

/// The experiment's schedule plugin.
class Schedule {
 public:
  /// Failure(Exit::plugin) when the plugin's table is incomplete.
  Schedule(const Experiment& experiment, const Course& course);
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;

  /// The rate may depend on what the journal says of the first `epochs` epochs: all real columns but times.
  void set_history(const Rows& journal, int64_t epochs);

  /// The rate of the update after `step` updates and `epoch` epochs. Failure(Exit::plugin) when it is refused or not finite.
  double rate(int64_t step, int64_t epoch);

 private:
  std::string name_;
  lamina_schedule table_{};
  lamina_scope scope_;
  std::string words_;  ///< of its calls, should one crash
  std::vector<lamina_attribute> settings_;
  lamina_moment moment_{};
  std::vector<std::string> metrics_;
  std::vector<const char*> names_;
  std::vector<double> last_, history_;
};

}  // namespace lamina
