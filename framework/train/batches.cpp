#include "train/batches.hpp"

#include "base/failure.hpp"

namespace lamina {

Batches::Batches(Workbench& bench)
    : bench_(bench),
      course_(bench.experiment, int64_t(bench.data.training().rows.size()), bench.batch()),
      schedule_(bench.experiment, course_),
      known_steps_(course_.steps),
      samples_(bench.experiment, bench.data),
      loader_(bench.data, bench.data.training()) {
  schedule_.rate(0);  // what is refused here is refused everywhere
  for (int64_t epoch = 1; epoch < course_.epochs && known_steps_ == course_.steps; ++epoch) {
    try {
      schedule_.rate(epoch * course_.steps_per_epoch);
    } catch (const Failure&) {
      known_steps_ = epoch * course_.steps_per_epoch;
    }
  }
  begin_epoch();
  settle();
}

void Batches::begin_epoch() { order_ = samples_.epoch(epoch_); }

void Batches::settle() {
  const double rate = schedule_.rate(step_ % known_steps_);
  moment_ = {uint64_t(bench_.experiment.seed), uint64_t(step_), 0, rate, double(step_ + 1)};
}

const lamina_feed* Batches::feeds(const program::Executable& program) {
  auto known = columns_.find(&program);
  if (known == columns_.end()) known = columns_.emplace(&program, bench_.data.numbers(program.feeds())).first;
  const size_t batch = size_t(bench_.batch());
  const int64_t* rows = order_.data() + (bench_.experiment.dataset ? in_epoch_ * bench_.batch() : 0);
  const lamina_feed* feeds = loader_.feeds(known->second, rows, batch);
  if (bench_.experiment.dataset && (in_epoch_ + 2) * bench_.batch() <= int64_t(order_.size()))
    loader_.announce(known->second, rows + batch, batch);
  return feeds;
}

void Batches::advance() {
  ++step_, ++in_epoch_;
  if (bench_.experiment.dataset && (in_epoch_ + 1) * bench_.batch() > int64_t(order_.size())) {
    ++epoch_, in_epoch_ = 0;
    begin_epoch();
  }
  settle();
}

}  // namespace lamina
