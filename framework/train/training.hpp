/// The step loop: one run from its first or its checkpointed step to its end.
#pragma once
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "record/journal.hpp"
#include "train/loader.hpp"
#include "train/monitor.hpp"
#include "train/order.hpp"
#include "train/pace.hpp"
#include "train/provenance.hpp"
#include "train/run.hpp"
#include "train/run_folder.hpp"
#include "train/schedule.hpp"
#include "train/step_record.hpp"
#include "train/workbench.hpp"

namespace lamina {

class Training {
 public:
  /// What the experiment says of the way through its data, besides the workbench. All must stay.
  struct Plan {
    const Course& course;
    Schedule& schedule;
    const SampleOrder& samples;
    StepRecord* record;  ///< null: nothing is recorded
  };
  Training(Workbench& bench, RunFolder folder, const Plan& plan, const RunOptions& options, Watcher& watcher);

  /// Goes on from where this folder's run stands. Failure(Exit::backend) when another device made the checkpoint.
  void restore(const Checkpoint* checkpoint);
  /// Trains to the end or until it is stopped. Whatever is thrown has been recorded in the run folder.
  RunReport run();

 private:
  using Clock = std::chrono::steady_clock;
  /// A program of one batch size, with what each step needs of it.
  struct Ready {
    program::Executable* program = nullptr;
    int64_t samples = 0;
    Loader::Columns columns;
    std::vector<program::Executable::Output> numbers;  ///< the loss, then what else a record has of the step
    uint64_t finite = 0;                               ///< where it lies among the outputs
  };
  /// A step that was started.
  struct Pending {
    const Ready* ready = nullptr;  ///< of its last batch, whose outputs are those of the step
    int64_t samples = 0, step = 0;
    double rate = 0;
  };
  static constexpr size_t ring = pace::ring;

  Ready make_ready(int64_t samples);
  Ready make_accumulating();
  /// What runs a batch of the epoch: the last of a step updates, the last of all may be smaller.
  const Ready& ready_for(int64_t batch) const {
    if (batch + 1 == course_.batches_per_epoch) return rest_.program ? rest_ : full_;
    return (batch + 1) % course_.batches_per_step ? more_ : full_;
  }
  void loop();
  void profile();
  void end_profile();
  void record_step();
  void launch();
  void drain();
  void book(const Pending& pending, const char* outputs, double now, double speed);
  void not_finite(const Pending& pending, double loss);
  Scores told(Scores scores, const std::string& split);
  void end_epoch();
  Scores validate();
  void validate_within();
  void judge(const Scores& columns, int64_t epoch);
  bool ended() const;             ///< after the last step, or early
  std::string why_early() const;  ///< "": not early
  void evaluate(RunReport& report, bool again);
  Checkpoint state() const;
  void save();
  void forget_later_rows();
  bool stopping() const;
  /// Samples of a batch of the epoch; without a dataset a number that nothing reads.
  const int64_t* rows(int64_t batch) const { return order_.data() + (x_.dataset ? batch * full_.samples : 0); }
  double now() const;  ///< seconds of this run, those before a resume included

  Workbench& bench_;
  const Experiment& x_;
  const Course course_;
  Schedule& schedule_;
  const SampleOrder& samples_;
  StepRecord* const tensors_;
  const RunOptions& options_;
  Watcher& watcher_;
  RunFolder folder_;
  Journal journal_;
  RunRecord record_;
  Ready full_, rest_, more_;  ///< whole and smaller batches that update; those before them in a step of several
  std::optional<Monitor> early_, best_;

  int64_t step_ = 0, epoch_ = 0, in_epoch_ = 0;  ///< done so far
  int64_t saved_step_ = -1;
  int64_t validations_ = 0;  ///< rows of that kind
  int64_t latest_step_ = -1;
  Scores latest_;                                  ///< of the validation after latest_step_
  int64_t epoch_samples_ = 0, epoch_skipped_ = 0;  ///< samples of finite steps, steps that were not finite
  double epoch_loss_ = 0, epoch_seconds_ = 0, epoch_start_ = 0, last_loss_ = 0;
  double before_ = 0, last_drain_ = 0, last_report_ = -1;
  bool finished_before_ = false, profiling_ = false;
  int64_t first_step_ = 0, profile_begin_ = 0, profiled_ = 0;  ///< of this process; of the profiled stretch; its steps of a full batch
  std::vector<int64_t> order_;
  std::array<Pending, ring> pending_;
  size_t pending_count_ = 0;
  std::vector<char> outputs_[ring];
  Row step_row_;
  int stopped_by_ = 0;
  Clock::time_point start_;
  Loader loader_;  ///< last, so that it ends first: its thread reads columns and order
};

}  // namespace lamina
