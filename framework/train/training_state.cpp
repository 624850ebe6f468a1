// What a checkpoint holds of a training's course.
#include "train/training.hpp"

#include "base/failure.hpp"

namespace lamina {
namespace {

template <class T>
T value(const Checkpoint& c, const char* name, const std::string& file) {
  auto it = c.state.find(name);
  if (it == c.state.end() || !std::holds_alternative<T>(it->second))
    throw Failure(Exit::experiment, file + ": its state has no '" + name + "'");
  return std::get<T>(it->second);
}

}  // namespace

void Training::restore(const Checkpoint* checkpoint) {
  const std::string status = record_.take_over(folder_);
  finished_before_ = status == "finished" || status == "stopped_early";
  if (!checkpoint) {
    folder_.forget_recorded_after(0);
    if (!options_.overrides.empty()) forget_later_rows();
    return;
  }
  const Checkpoint& c = *checkpoint;
  const std::string file = folder_.path().string();
  bool elsewhere = false;  // than the checkpoint was made
  const auto integer = [&](const char* name) { return value<int64_t>(c, name, file); };
  const auto same = [&](const char* name, const std::string& here) {
    const auto there = value<std::string>(c, name, file);
    if (there == here) return;
    const std::string sentence = file + ": the checkpoint was made on " + name + " \"" + there + "\", this is \"" + here + "\"";
    if (options_.overrides.empty())
      throw Failure(
          Exit::backend,
          sentence + "; only the same gives the same bits (--set backend.type, backend.device or backend.precision names it). --backend " +
              bench_.session.backend() + " goes on here, with other bits");
    elsewhere = true;
    watcher_.warning(sentence + "; what follows may differ in its bits");
  };
  same("backend", bench_.session.backend());
  same("device", bench_.session.describe());
  same("precision", bench_.session.precision());
  for (auto& [name, now] : record_.origins())
    if (auto it = c.state.find(name); it != c.state.end() && it->second != StateValue(now) && !(elsewhere && name == "experiment"))
      watcher_.warning(name + " is another one than at the checkpoint; what follows may differ in its bits");
  bench_.load(c.tensors, file);
  step_ = saved_step_ = integer("step"), epoch_ = integer("epoch"), in_epoch_ = integer("step_in_epoch");
  epoch_samples_ = integer("epoch_samples"), epoch_skipped_ = integer("epoch_skipped");
  epoch_loss_ = value<double>(c, "epoch_loss", file), epoch_seconds_ = value<double>(c, "epoch_seconds", file);
  before_ = value<double>(c, "wall_time", file);
  validations_ = c.state.contains("validations") ? integer("validations") : 0;
  if (early_) early_->restore("early_stopping", c.state);
  if (best_) best_->restore("keep_best", c.state);
  const bool done = ended();
  if (step_ < 0 || step_ > course_.steps ||
      (!done && (in_epoch_ != step_ % course_.steps_per_epoch || epoch_ != step_ / course_.steps_per_epoch)))
    throw Failure(Exit::experiment, file + ": step " + std::to_string(step_) + " of its checkpoint is none of this run's");
  if (elsewhere) forget_later_rows();
  folder_.forget_recorded_after(step_);
  schedule_.set_history(journal_.rows("epoch"), epoch_);
}

/// Another device does the steps after the checkpoint anew, with other bits: what it did once must not stand beside them.
void Training::forget_later_rows() {
  journal_.forget_after("step", step_), journal_.forget_after("epoch", epoch_), journal_.forget_after("validation", validations_);
  if (!best_ || !best_->any() || !std::filesystem::exists(folder_.best())) return;
  const Checkpoint kept = read_checkpoint(folder_.best());
  if (value<int64_t>(kept, "step", folder_.best().string()) <= step_) return;
  watcher_.warning(folder_.best().string() + " is of a later step than the checkpoint; the best weights are looked for anew");
  best_->forget();
}

Checkpoint Training::state() const {
  Checkpoint c{bench_.save(),
               {{"step", step_},
                {"step_in_epoch", in_epoch_},
                {"epoch", epoch_},
                {"epoch_loss", epoch_loss_},
                {"epoch_samples", epoch_samples_},
                {"epoch_skipped", epoch_skipped_},
                {"epoch_seconds", in_epoch_ ? epoch_seconds_ + now() - epoch_start_ : 0.0},
                {"validations", validations_},
                {"wall_time", now()},
                {"seed", x_.seed},
                {"backend", bench_.session.backend()},
                {"device", bench_.session.describe()},
                {"precision", bench_.session.precision()}}};
  for (auto& [name, text] : record_.origins()) c.state[name] = text;
  if (early_) early_->save("early_stopping", c.state);
  if (best_) best_->save("keep_best", c.state);
  return c;
}

/// A checkpoint and the snapshot that goes with it. Between steps only.
void Training::save() {
  const double begin = now();
  journal_.sync();
  folder_.write(step_, state(), x_.checkpoint.keep);
  saved_step_ = step_;
  record_.write(folder_, journal_, "running");
  last_drain_ = now();
  epoch_start_ += last_drain_ - begin;  // writing is no part of the training's speed
}

}  // namespace lamina
