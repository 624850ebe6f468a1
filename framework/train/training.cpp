#include "train/training.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "base/shape.hpp"
#include "base/text.hpp"
#include "train/failures.hpp"

namespace lamina {
namespace {

std::atomic<int> stop_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler sets it");

/// A request to stop counts for the run that it came in.
struct ForgetStop {
  ~ForgetStop() { stop_signal = 0; }
};

/// What stands in the records of steps beside the loss: column and output of the program.
std::vector<std::pair<std::string, std::string>> measured(const Experiment& x) {
  std::vector<std::pair<std::string, std::string>> all;
  for (auto& loss : x.losses)
    if (!loss.name.empty()) all.emplace_back(loss.column(), "loss/" + loss.name);
  if (std::ranges::any_of(x.layers, [](auto& layer) { return !layer.regularize.empty(); }))
    all.emplace_back("regularization_loss", "loss/regularization");
  if (x.training.clip.norm) all.emplace_back("gradient_norm", "gradient_norm");
  return all;
}

/// An output that is one real number.
double number(const program::Executable::Output& output, const char* outputs) {
  if (output.type.dtype == DType::float64) {
    double wide;
    std::memcpy(&wide, outputs + output.offset, sizeof wide);
    return wide;
  }
  float narrow;
  std::memcpy(&narrow, outputs + output.offset, sizeof narrow);
  return narrow;
}

}  // namespace

void request_stop(int signal) { stop_signal = signal; }

Training::Training(Workbench& bench, RunFolder folder, const Plan& plan, const RunOptions& options, Watcher& watcher)
    : bench_(bench),
      x_(bench.experiment),
      course_(plan.course),
      schedule_(plan.schedule),
      samples_(plan.samples),
      tensors_(plan.record),
      options_(options),
      watcher_(watcher),
      folder_(std::move(folder)),
      journal_(folder_.journal()),
      record_(bench, options.command),
      full_(make_ready(bench.batch())),
      loader_(bench.data, bench.data.training()) {
  if (x_.training.early_stopping) early_.emplace(x_.training.early_stopping->metric, x_.training.early_stopping->min_delta);
  if (x_.training.keep_best) best_.emplace(*x_.training.keep_best);
  const int64_t rest = int64_t(bench.data.training().rows.size()) % bench.batch();
  if (rest && !x_.training.drop_last_batch) rest_ = make_ready(rest);
  if (course_.batches_per_step > 1 && course_.batches_per_epoch > 1) more_ = make_accumulating();
  for (auto& outputs : outputs_) outputs.resize(std::max(full_.program->output_bytes(), rest_.program ? rest_.program->output_bytes() : 0));
  step_row_ = {"step",
               {{"step", int64_t(0)},
                {"epoch", int64_t(0)},
                {"wall_time", 0.0},
                {"loss", 0.0},
                {"learning_rate", 0.0},
                {"samples_per_second", 0.0}}};
  for (auto& [column, output] : measured(x_)) step_row_.columns.emplace_back(column, 0.0);
}

Training::Ready Training::make_ready(int64_t samples) {
  program::Executable& p = bench_.training(samples);
  Ready ready{&p, samples, bench_.data.numbers(p.feeds()), {p.output("loss")}, p.output("finite").offset};
  for (auto& [column, output] : measured(x_)) ready.numbers.push_back(p.output(output));
  return ready;
}
Training::Ready Training::make_accumulating() {
  program::Executable& p = bench_.accumulating(bench_.batch());
  return {&p, bench_.batch(), bench_.data.numbers(p.feeds()), {}, 0};
}

bool Training::stopping() const { return stop_signal || (options_.stop_after_steps && step_ >= *options_.stop_after_steps); }
double Training::now() const { return before_ + std::chrono::duration<double>(Clock::now() - start_).count(); }

RunReport Training::run() {
  const ForgetStop forget;
  start_ = Clock::now();
  last_drain_ = before_;
  watcher_.started(folder_.path(), x_, bench_.session.describe(), bench_.parameters(), step_);
  if (const std::string missing = bench_.missing_classes(); !missing.empty()) watcher_.warning(missing);
  for (auto& path : bench_.without_gradient()) watcher_.warning("the loss does not depend on '" + path + "'; it stays as it is");
  if (x_.training.overfit_batches)
    watcher_.warning("every split is cut to its first " + counted(*x_.training.overfit_batches, "batch", "batches") +
                     " (overfit_batches); the scores say nothing about other data");
  RunReport report{folder_.path(), 0, 0, 0, {}, 0};
  try {
    const bool go_on = !ended() || !finished_before_;
    if (go_on) {
      folder_.log(saved_step_ >= 0 ? "resumed at step " + std::to_string(step_) : "started");
      record_.write(folder_, journal_, "running");
      first_step_ = step_;
      with_exit(Exit::failed, [&] { loop(); });
      end_profile();
    }
    report.complete = ended(), report.early = why_early();
    report.steps = step_, report.epochs = epoch_, report.stopped_by = stopped_by_;
    if (report.complete) evaluate(report, go_on);
    report.seconds = now();
    if (!go_on) return report;
    const std::string status = !report.complete ? "stopped" : report.early.empty() ? "finished" : "stopped_early";
    for (auto& sentence : record_.write(folder_, journal_, status, report.early)) watcher_.warning(sentence);
    folder_.log(!report.complete       ? "stopped after step " + std::to_string(step_)
                : report.early.empty() ? "finished"
                                       : "stopped early: " + report.early);
  } catch (const std::exception& e) {
    folder_.log(e.what());
    const auto* failure = dynamic_cast<const Failure*>(&e);
    try {
      const std::string status = failure && failure->exit == Exit::diverged ? "diverged" : "failed";
      for (auto& sentence : record_.write(folder_, journal_, status)) watcher_.warning(sentence);
    } catch (const std::exception& second) {  // the disk is full, perhaps; the first reason is the one to tell
      folder_.log(second.what());
    }
    throw;
  }
  return report;
}

void Training::loop() {
  while (!ended()) {
    order_ = samples_.epoch(epoch_);
    epoch_start_ = now();
    while (true) {
      if (stopping()) {
        drain();
        if (saved_step_ != step_) save();
        stopped_by_ = stop_signal;
        return;
      }
      if (options_.profile) profile();
      if (tensors_ && tensors_->wants(step_)) record_step();
      launch();
      if (pending_count_ == ring || now() - last_drain_ > pace::seconds) drain();
      if (in_epoch_ == course_.steps_per_epoch || step_ == course_.steps) break;
      if (x_.training.validation.every_steps && step_ % *x_.training.validation.every_steps == 0) {
        drain();
        validate_within();
        if (ended()) break;
      }
      if (x_.checkpoint.every_steps && step_ % *x_.checkpoint.every_steps == 0) {
        drain();
        save();
      }
    }
    drain();
    end_epoch();
    const bool due = epoch_ % x_.checkpoint.every_epochs == 0 || (x_.checkpoint.every_steps && step_ % *x_.checkpoint.every_steps == 0);
    if (due || ended())
      save();
    else
      record_.write(folder_, journal_, "running");
  }
}

/// Keeps tensors of the coming step, of its first batch where it has several.
void Training::record_step() {
  drain();
  const double begin = now();
  const int64_t batch = in_epoch_ * course_.batches_per_step;
  tensors_->take(folder_, {uint64_t(x_.seed), uint64_t(step_), 0, schedule_.rate(step_), double(step_ + 1)}, rows(batch),
                 ready_for(batch).samples);
  last_drain_ = now();
  epoch_start_ += last_drain_ - begin;  // it is no part of the training's speed
}

/// Starts one step; its loss is read later, so a device need not be waited for. What fails is told with the step.
void Training::launch() try {
  const double rate = schedule_.rate(step_);
  const int64_t first = in_epoch_ * course_.batches_per_step, end = std::min(first + course_.batches_per_step, course_.batches_per_epoch);
  Pending pending{nullptr, 0, step_ + 1, rate};
  for (int64_t batch = first; batch < end; ++batch) {
    const Ready& r = ready_for(batch);
    const int64_t* rows = this->rows(batch);
    const lamina_feed* feeds = loader_.feeds(r.columns, rows, size_t(r.samples));
    if (x_.dataset && batch + 1 < course_.batches_per_epoch) {
      const Ready& next = ready_for(batch + 1);
      loader_.announce(next.columns, rows + full_.samples, size_t(next.samples));
    }
    r.program->run({uint64_t(x_.seed), uint64_t(step_), uint64_t(batch - first), rate, double(step_ + 1)}, feeds,
                   outputs_[pending_count_].data());
    pending.ready = &r, pending.samples += r.samples;
  }
  profiled_ += profiling_ && pending.ready == &full_;
  ++step_, ++in_epoch_;
  pending_[pending_count_++] = pending;
} catch (const Failure& e) {
  throw Failure(e.exit, "step " + std::to_string(step_ + 1) + ": " + e.what());
}

/// Turns the clock on once caches are warm, for a stretch of steps; earlier in a run that is shorter.
void Training::profile() {
  constexpr int64_t warm_up = 16, stretch = 32;
  if (profiling_) {
    if (profiled_ >= stretch) end_profile();
  } else if (!profiled_ && step_ - first_step_ >= std::min(warm_up, (course_.steps - first_step_) / 2)) {
    drain();
    for (auto* ready : {&more_, &full_})
      if (ready->program) ready->program->profile(true);
    profiling_ = true, profile_begin_ = step_ + 1;
  }
}

void Training::end_profile() {
  if (!profiling_) return;
  drain();
  profiling_ = false;
  std::vector<program::OpProfile> times;
  for (auto* ready : {&more_, &full_}) {
    if (!ready->program) continue;
    const auto own = ready->program->profile(false);
    times.insert(times.end(), own.begin(), own.end());
  }
  if (times.empty())
    watcher_.warning("the backend \"" + bench_.session.backend() + "\" has no clock; there is no profile");
  else if (profiled_)
    record_.profile(times, profile_begin_, profiled_);
  profiled_ = std::max<int64_t>(profiled_, 1);  // once is enough
}

/// To parts of 1 / `parts`: digits that nobody measured make the journal long to write and hard to read.
static double rounded(double v, double parts) { return std::round(v * parts) / parts; }

/// Waits for the started steps and books them.
void Training::drain() {
  if (!pending_count_) return;
  try {
    full_.program->wait();
    if (rest_.program) rest_.program->wait();
    if (more_.program) more_.program->wait();
  } catch (const Failure& e) {
    throw Failure(e.exit, "step " + std::to_string(step_) + ", or one shortly before it: " + e.what());
  }
  int64_t samples = 0;
  for (size_t i = 0; i < pending_count_; ++i) samples += pending_[i].samples;
  const double time = now(), speed = double(samples) / std::max(time - last_drain_, 1e-9);
  last_drain_ = time;
  for (size_t i = 0; i < pending_count_; ++i) book(pending_[i], outputs_[i].data(), rounded(time, 1e6), rounded(speed, 10));
  journal_.write();
  const Pending& last = pending_[pending_count_ - 1];
  pending_count_ = 0;
  if (time - last_report_ < 0.05) return;
  last_report_ = time;
  watcher_.step(
      {last.step, course_.steps, epoch_ + 1, course_.epochs, last_loss_, last.rate, speed, double(last.step) / double(course_.steps)});
}

void Training::book(const Pending& p, const char* outputs, double time, double speed) {
  const Ready& r = *p.ready;
  last_loss_ = number(r.numbers[0], outputs);
  const bool finite = outputs[r.finite] != 0;
  if (finite) epoch_loss_ += last_loss_ * double(p.samples), epoch_samples_ += p.samples;
  if (p.step % x_.log_every_steps == 0 || !finite) {
    auto& c = step_row_.columns;
    c[0].second = p.step, c[1].second = (p.step - 1) / course_.steps_per_epoch + 1;
    c[2].second = time, c[3].second = last_loss_, c[4].second = p.rate, c[5].second = speed;
    for (size_t i = 1; i < r.numbers.size(); ++i) c[5 + i].second = number(r.numbers[i], outputs);
    journal_.add(step_row_);
  }
  if (finite) return;
  journal_.write();
  not_finite(p, last_loss_);
}

void Training::not_finite(const Pending& p, double loss) {
  const std::string step = "step " + std::to_string(p.step);
  if (!x_.training.skip_nonfinite) {
    const std::string missing = bench_.missing_classes();
    throw Failure(Exit::diverged,
                  step + ": the loss or a gradient is not finite (loss " + piece(loss) + ", learning rate " + piece(p.rate) +
                      "); nothing of this step was kept" +
                      (missing.empty() ? ". A smaller learning rate may help, or \"on_nonfinite\": \"skip\"" : "; " + missing));
  }
  if (!epoch_skipped_++) watcher_.warning(step + " was not finite and changed nothing");
}

}  // namespace lamina
