#include "train/run.hpp"

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>

#include "base/failure.hpp"
#include "base/files.hpp"
#include "base/shape.hpp"
#include "config/settings.hpp"
#include "record/journal.hpp"
#include "train/initialize.hpp"
#include "train/provenance.hpp"
#include "train/run_folder.hpp"
#include "train/workbench.hpp"

namespace lamina {
namespace {

using Clock = std::chrono::steady_clock;
std::atomic<int> stop_signal{0};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// One run from its first or its checkpointed step to its end.
class Training {
 public:
  Training(Workbench& bench, RunFolder folder, const RunOptions& options, Watcher& watcher)
      : bench_(bench), x_(bench.experiment), options_(options), watcher_(watcher), folder_(std::move(folder)), journal_(folder_.journal()), record_(bench, options.command) {
    const int64_t samples = int64_t(bench.data.training().rows.size()), batch = bench.batch();
    steps_per_epoch_ = x_.training.drop_last_batch ? samples / batch : (samples + batch - 1) / batch;
    steps_ = x_.training.steps ? *x_.training.steps : checked_count({*x_.training.epochs, steps_per_epoch_});
    epochs_ = (steps_ + steps_per_epoch_ - 1) / steps_per_epoch_;
    schedule_ = copy_sized<lamina_schedule>(x_.schedule.plugin->table);
    if (!schedule_.rate) throw Failure(Exit::plugin, x_.schedule.plugin->file + ": the schedule's table has no rate");
    schedule_settings_ = program::views(x_.schedule.settings);
  }

  void restore(const Checkpoint& c, const std::string& file) {
    auto integer = [&](const char* name) { return value<int64_t>(c, name, file); };
    const std::string device = value<std::string>(c, "device", file);
    if (device != bench_.session.describe())
      throw Failure(Exit::usage, file + ": it was made on \"" + device + "\", this is \"" + bench_.session.describe() + "\"; only the same gives the same bits");
    bench_.load(c.tensors, file);
    step_ = integer("step"), in_epoch_ = integer("step_in_epoch"), epoch_samples_ = integer("epoch_samples");
    epoch_loss_ = value<double>(c, "epoch_loss", file), before_ = value<double>(c, "wall_time", file);
    epoch_ = integer("epoch");
    if (step_ < 0 || step_ > steps_ || (step_ < steps_ && (in_epoch_ != step_ % steps_per_epoch_ || epoch_ != step_ / steps_per_epoch_))) throw Failure(Exit::experiment, file + ": step " + std::to_string(step_) + " is none of this run's");
    for (auto& [name, v] : c.state)
      if (name.rfind("metric.", 0) == 0) last_metrics_.emplace_back(name.substr(7), std::get<double>(v));
  }

  RunReport run() {
    start_ = Clock::now();
    watcher_.started(folder_.path(), x_, bench_.session.describe(), bench_.parameters(), step_);
    for (auto& path : bench_.without_gradient()) watcher_.warning("the loss does not depend on '" + path + "'; it stays as it is");
    folder_.log(step_ ? "resumed at step " + std::to_string(step_) : "started");
    record_.write(folder_, journal_, "running");
    try {
      loop();
    } catch (const Failure& e) {
      folder_.log(e.what());
      record_.write(folder_, journal_, e.exit == Exit::diverged ? "diverged" : "failed");
      throw;
    }
    RunReport report{folder_.path(), step_, epoch_, before_ + seconds_since(start_), {}, stopped_by_};
    if (step_ == steps_) {
      for (const char* name : {"validation", "test"})
        if (const DataSplit* split = bench_.data.split(name)) {
          report.evaluations[name] = record_.evaluate(*split);
        }
    }
    const char* status = step_ == steps_ ? "finished" : "stopped";
    record_.write(folder_, journal_, status);
    folder_.log(status);
    return report;
  }

 private:
  template <class T> static T value(const Checkpoint& c, const char* name, const std::string& file) {
    auto it = c.state.find(name);
    if (it == c.state.end() || !std::holds_alternative<T>(it->second)) throw Failure(Exit::experiment, file + ": its state has no '" + name + "'");
    return std::get<T>(it->second);
  }
  double learning_rate() {
    lamina_moment m{};
    m.size = sizeof m, m.step = step_, m.steps = steps_, m.epoch = epoch_, m.epochs = epochs_, m.steps_per_epoch = steps_per_epoch_, m.learning_rate = x_.learning_rate;
    m.metric_count = uint32_t(metric_names_.size()), m.metric_names = metric_names_.data(), m.metric_values = metric_values_.data();
    double rate = 0;
    if (schedule_.rate(&graph::host_table(), &schedule_scope_, schedule_settings_.data(), uint32_t(schedule_settings_.size()), &m, &rate)) schedule_scope_.raise();
    if (!std::isfinite(rate)) throw Failure(Exit::plugin, "schedule '" + x_.schedule.plugin->name + "': the learning rate of step " + std::to_string(step_ + 1) + " is not finite");
    return rate;
  }
  void remember_metrics() {
    metric_names_.clear(), metric_values_.clear();
    for (auto& [name, v] : last_metrics_) metric_names_.push_back(name.c_str()), metric_values_.push_back(v);
  }

  void loop() {
    schedule_scope_.where = "schedule '" + x_.schedule.plugin->name + "'";
    remember_metrics();
    int64_t unsaved = 0;
    while (step_ < steps_) {
      order_ = epoch_order(bench_.data.training().rows, uint64_t(x_.seed), epoch_, x_.training.shuffle);
      const Clock::time_point epoch_start = Clock::now();
      while (in_epoch_ < steps_per_epoch_ && step_ < steps_) {
        launch();
        if (pending_.size() == ring) drain();
        const bool stop = stop_signal || (options_.stop_after_steps && step_ >= *options_.stop_after_steps);
        const bool due = x_.checkpoint.every_steps && step_ % *x_.checkpoint.every_steps == 0;
        if ((stop || due) && in_epoch_ < steps_per_epoch_ && step_ < steps_) {
          drain();
          save();
          unsaved = 0;
          if (stop) return void(stopped_by_ = stop_signal.exchange(0));
        }
      }
      drain();
      if (in_epoch_ == steps_per_epoch_ || step_ == steps_) end_epoch(seconds_since(epoch_start));
      const bool stop = stop_signal || (options_.stop_after_steps && step_ >= *options_.stop_after_steps);
      const bool due = x_.checkpoint.every_steps && step_ % *x_.checkpoint.every_steps == 0;
      if (++unsaved >= x_.checkpoint.every_epochs || due || stop || step_ == steps_) save(), unsaved = 0;
      record_.write(folder_, journal_, "running");
      if (stop && step_ < steps_) return void(stopped_by_ = stop_signal.exchange(0));
    }
  }
  /// Starts one step; its loss is read later, so a device need not be waited for.
  void launch() {
    const int64_t at = in_epoch_ * bench_.batch();
    const int64_t count = std::min(bench_.batch(), int64_t(order_.size()) - at);
    program::Executable& p = count == bench_.batch() ? (full_ ? *full_ : *(full_ = &bench_.training(count))) : bench_.training(count);
    const double rate = learning_rate();
    std::vector<char>& outputs = outputs_[pending_.size()];
    outputs.resize(p.output_bytes());
    pending_.push_back({&p, step_ + 1, count, rate, outputs.data()});
    p.run({uint64_t(x_.seed), uint64_t(step_), 0, rate, double(step_ + 1)}, bench_.data.feeds(bench_.data.training(), p.feeds(), order_.data() + at, size_t(count)), outputs.data());
    ++step_, ++in_epoch_;
  }
  /// Waits for the started steps and books them.
  void drain() {
    if (pending_.empty()) return;
    for (auto& p : pending_) p.program->wait();
    const double now = before_ + seconds_since(start_), since = std::max(now - last_drain_, 1e-9);
    int64_t samples = 0;
    for (auto& p : pending_) samples += p.samples;
    const double speed = double(samples) / since;
    last_drain_ = now;
    for (auto& p : pending_) book(p, now, speed);
    const Pending& last = pending_.back();
    if (now - last_report_ > 0.05) {
      last_report_ = now;
      watcher_.step({last.step, steps_, epoch_ + 1, epochs_, last_loss_, last.rate, speed, double(last.step) / double(steps_)});
    }
    pending_.clear();
  }
  struct Pending {
    program::Executable* program = nullptr;
    int64_t step = 0, samples = 0;
    double rate = 0;
    const char* outputs = nullptr;
  };
  void book(const Pending& p, double now, double speed) {
    const auto loss = p.program->output("loss");
    const char* at = p.outputs + loss.offset;
    last_loss_ = loss.type.dtype == DType::float64 ? *reinterpret_cast<const double*>(at) : *reinterpret_cast<const float*>(at);
    const bool finite = p.outputs[p.program->output("finite").offset] != 0;
    epoch_loss_ += last_loss_ * double(p.samples), epoch_samples_ += p.samples;
    if (p.step % x_.log_every_steps == 0 || !finite)
      journal_.append({"step",
                       {{"step", p.step},
                        {"epoch", (p.step - 1) / steps_per_epoch_ + 1},
                        {"wall_time", now},
                        {"loss", last_loss_},
                        {"learning_rate", p.rate},
                        {"samples_per_second", speed}}});
    if (finite) return;
    if (!x_.training.skip_nonfinite)
      throw Failure(Exit::diverged, "step " + std::to_string(p.step) + ": the loss or a gradient is not finite (loss " + piece(last_loss_) + ", learning rate " + piece(p.rate) +
                                        "); nothing of this step was kept. A smaller learning rate may help, or \"on_nonfinite\": \"skip\"");
    watcher_.warning("step " + std::to_string(p.step) + " was not finite and changed nothing");
  }
  void end_epoch(double seconds) {
    EpochReport report{epoch_ + 1, epochs_, epoch_loss_ / double(std::max<int64_t>(epoch_samples_, 1)), seconds, {}};
    if (const DataSplit* validation = bench_.data.split("validation"))
      for (auto& [name, v] : bench_.evaluate(*validation)) report.columns.emplace_back("validation_" + name, v);
    Row row{"epoch", {{"epoch", report.epoch}, {"step", step_}, {"train_loss", report.train_loss}}};
    for (auto& [name, v] : report.columns) row.columns.emplace_back(name, v);
    row.columns.emplace_back("seconds", seconds);
    row.columns.emplace_back("samples_per_second", double(epoch_samples_) / std::max(seconds, 1e-9));
    journal_.append(row);
    last_metrics_ = report.columns;
    last_metrics_.emplace_back("train_loss", report.train_loss);
    remember_metrics();
    watcher_.epoch(report);
    epoch_loss_ = 0, epoch_samples_ = 0, in_epoch_ = 0, ++epoch_;
  }
  void save() {
    journal_.sync();
    Checkpoint c{bench_.save(),
                 {{"step", step_},
                  {"step_in_epoch", in_epoch_},
                  {"epoch", epoch_},
                  {"epoch_loss", epoch_loss_},
                  {"epoch_samples", epoch_samples_},
                  {"wall_time", before_ + seconds_since(start_)},
                  {"seed", x_.seed},
                  {"device", bench_.session.describe()}}};
    for (auto& [name, v] : last_metrics_) c.state["metric." + name] = v;
    folder_.write(step_, c, x_.checkpoint.keep);
  }

  static constexpr size_t ring = 8;  ///< steps that may be under way before one is waited for

  Workbench& bench_;
  const Experiment& x_;
  const RunOptions& options_;
  Watcher& watcher_;
  RunFolder folder_;
  Journal journal_;
  RunRecord record_;
  lamina_schedule schedule_{};
  lamina_scope schedule_scope_;
  std::vector<lamina_attribute> schedule_settings_;
  int64_t steps_per_epoch_ = 0, steps_ = 0, epochs_ = 0;
  int64_t step_ = 0, epoch_ = 0, in_epoch_ = 0, epoch_samples_ = 0;  ///< done so far
  double epoch_loss_ = 0, last_loss_ = 0, before_ = 0, last_drain_ = 0, last_report_ = -1;
  std::vector<std::pair<std::string, double>> last_metrics_;
  std::vector<const char*> metric_names_;
  std::vector<double> metric_values_;
  std::vector<int64_t> order_;
  program::Executable* full_ = nullptr;
  std::vector<Pending> pending_;
  std::vector<char> outputs_[ring];
  int stopped_by_ = 0;
  Clock::time_point start_;
};

}  // namespace

void request_stop(int signal) { stop_signal = signal; }

RunReport run_experiment(const Experiment& experiment, Catalogue& catalogue, const RunOptions& options, Watcher& watcher) {
  Workbench bench(experiment, catalogue);
  initialize(bench.session, experiment, catalogue);
  bench.load_initial_weights();
  return Training(bench, RunFolder::create(options.runs, experiment), options, watcher).run();
}

RunReport resume_run(const std::filesystem::path& path, Catalogue& catalogue, const RunOptions& options, Watcher& watcher) {
  RunFolder folder = RunFolder::open(path);
  Experiment experiment = load_experiment(folder.resolved(), catalogue);
  experiment.source = folder.source();
  Workbench bench(experiment, catalogue);
  initialize(bench.session, experiment, catalogue);
  bench.load_initial_weights();
  std::vector<std::string> damaged;
  const auto checkpoint = folder.newest(damaged);
  for (auto& sentence : damaged) watcher.warning(sentence);
  const std::string file = folder.path().string();
  Training training(bench, std::move(folder), options, watcher);
  if (checkpoint) training.restore(*checkpoint, file);
  return training.run();
}

void check_experiment(const Experiment& experiment, Catalogue& catalogue) {
  Workbench bench(experiment, catalogue);
  initialize(bench.session, experiment, catalogue);
  bench.load_initial_weights();
}

}  // namespace lamina
