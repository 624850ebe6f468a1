/// How long a run is and what its learning rate is at each step.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include <lamina/abi.h>

#include "config/experiment.hpp"
#include "graph/recorder.hpp"
#include "record/journal.hpp"

namespace lamina {

/// Steps (updates) and epochs of a whole run. The last epoch may be cut short by training.steps; its last step may have fewer batches than
/// others. Without a dataset the run is one epoch.
struct Course {
  /// `samples` of the training split, `batch` of a full step. std::runtime_error where the number of steps overflows.
  Course(const Experiment& experiment, int64_t samples, int64_t batch);
  int64_t batches_per_step, batches_per_epoch, steps_per_epoch, steps, epochs;
  ValidationTimes validation;
  /// Whether the validation samples are scored at the end of an epoch, after so many steps and epochs of the run.
  bool validates(int64_t step, int64_t epoch) const {
    return epoch % validation.every_epochs == 0 || step == steps || (validation.every_steps && step % *validation.every_steps == 0);
  }
};

/// A schedule plugin over its stretch of the run, which is all that it sees: its steps and epochs begin at 0.
class Stretch {
 public:
  /// From step `begin` on, for `steps`. Failure(Exit::plugin) when the plugin's table is incomplete.
  Stretch(const PluginConfig& plugin, double learning_rate, const Course& course, int64_t begin, int64_t steps);
  Stretch(const Stretch&) = delete;
  Stretch& operator=(const Stretch&) = delete;

  int64_t begin() const { return begin_; }
  void set_history(const Rows& journal, int64_t epochs);
  void check(const std::vector<std::string>& metrics);
  double rate(int64_t step);

 private:
  double asked(int64_t step);
  void show_metrics();

  const PluginConfig& plugin_;
  const Course course_;
  int64_t begin_, begin_epoch_;
  std::string name_;
  lamina_schedule table_{};
  lamina_scope scope_;
  std::string words_;  ///< of its calls, should one crash
  std::vector<lamina_attribute> settings_;
  lamina_moment moment_{};
  std::vector<std::string> metrics_;
  std::vector<std::vector<double>> measured_;  ///< of each metric, in the epochs that measured it
  std::vector<const char*> names_;             ///< this and what follows: the same, as the moment shows it
  std::vector<double> last_;
  std::vector<const double*> histories_;
  std::vector<int64_t> counts_;
};

/// The experiment's schedules, one after the other.
class Schedule {
 public:
  /// Failure(Exit::plugin) when a plugin's table is incomplete.
  Schedule(const Experiment& experiment, const Course& course);

  /// Asks each schedule once as after an epoch that measured these metrics. ConfigError where one refuses, as it wants another metric.
  void check(const std::vector<std::string>& metrics);
  /// The rate may depend on what the journal says of the first `epochs` epochs: all real columns but times.
  void set_history(const Rows& journal, int64_t epochs);

  /// The rate of the update after `step` updates. Failure(Exit::plugin) when it is refused or not finite.
  double rate(int64_t step);

 private:
  std::vector<std::unique_ptr<Stretch>> stretches_;
};

}  // namespace lamina
