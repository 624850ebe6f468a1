/// The batches of a run for those who only look at its steps: benchmarks and comparisons.
#pragma once
#include <map>
#include <vector>

#include "train/loader.hpp"
#include "train/order.hpp"
#include "train/schedule.hpp"
#include "train/workbench.hpp"

namespace lamina {

/// The whole batches of the training split, in the order and with the numbers that a run has in its first steps, epoch after epoch; what an
/// epoch's end cuts short is left out. The rates of a schedule that waits for metrics, which only a run has, are
/// those before it does, over again. Reads from `bench`,
/// which must stay.
class Batches {
 public:
  explicit Batches(Workbench& bench);

  /// Seed, step and learning rate of this batch.
  const program::Moment& moment() const { return moment_; }
  /// What a program of the bench's batch size is fed; valid until the next call. Failure(Exit::experiment) for data that cannot be decoded.
  const lamina_feed* feeds(const program::Executable& program);
  void advance();

 private:
  void begin_epoch();
  void settle();

  Workbench& bench_;
  const Course course_;
  Schedule schedule_;
  int64_t known_steps_;  ///< whose rate does not wait for metrics
  std::map<const program::Executable*, Loader::Columns> columns_;
  const SampleOrder samples_;
  std::vector<int64_t> order_;
  int64_t step_ = 0, epoch_ = 0, in_epoch_ = 0;
  program::Moment moment_;
  Loader loader_;  ///< last, so that it ends first: its thread reads columns and order
};

}  // namespace lamina
