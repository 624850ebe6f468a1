// Where a training looks at itself: ends of epochs, validations, and what follows from them.
#include "train/training.hpp"

#include <cmath>
#include <cstdio>

#include "base/text.hpp"
#include "train/weights.hpp"

namespace lamina {

bool Training::ended() const { return step_ == course_.steps || (early_ && early_->since() >= x_.training.early_stopping->patience); }

std::string Training::why_early() const {
  if (step_ == course_.steps || !ended()) return "";
  const std::string times = early_->metric().of_validation() ? counted(early_->since(), "validation") : counted(early_->since(), "epoch");
  const std::string name = early_->metric().name;
  char best[32];
  std::snprintf(best, sizeof best, "%.6g", early_->best());
  if (!early_->any()) return name + " was not finite in " + times;
  return name + " was no better in " + times + " than " + best + " in epoch " + std::to_string(early_->epoch());
}

/// A loss that is no number ends no run, as nothing is trained by it, but it is told.
Scores Training::told(Scores scores, const std::string& split) {
  const double loss = scores.front().second;
  const std::string missing = std::isfinite(loss) ? "" : bench_.missing_classes();
  if (!std::isfinite(loss))
    watcher_.warning("after step " + std::to_string(step_) + " the loss on the split \"" + split + "\" is " + piece(loss) +
                     (missing.empty() ? "" : "; " + missing));
  return scores;
}

/// Loss and metrics of the validation samples; nothing where there are none.
Scores Training::validate() {
  Scores columns;
  const DataSplit* validation = bench_.data.split("validation");
  if (!validation) return columns;
  for (auto& [name, v] : told(bench_.evaluate(*validation), "validation")) columns.emplace_back("validation_" + name, v);
  if (x_.training.validation.every_steps) {
    Row row{"validation", {{"validation", ++validations_}, {"step", step_}, {"epoch", epoch_ + 1}}};
    for (auto& [name, v] : columns) row.columns.emplace_back(name, v);
    journal_.append(row);
  }
  return columns;
}

/// A validation within an epoch; at its end there is end_epoch().
void Training::validate_within() {
  const double begin = now();
  latest_ = validate(), latest_step_ = step_;
  watcher_.validation({step_, course_.steps, epoch_ + 1, course_.epochs, latest_});
  judge(latest_, epoch_ + 1);
  last_drain_ = now();
  epoch_start_ += last_drain_ - begin;  // validation is no part of the training's speed
}

void Training::end_epoch() {
  epoch_seconds_ += now() - epoch_start_;
  const int64_t samples = in_epoch_ * course_.batches_per_step * full_.samples;
  const double seen = double(x_.dataset ? std::min(samples, int64_t(order_.size())) : samples);
  EpochReport report{epoch_ + 1, course_.epochs, epoch_loss_ / double(epoch_samples_), epoch_seconds_, {}};  // NaN where no step was finite
  if (epoch_skipped_ > 1)
    watcher_.warning(std::to_string(epoch_skipped_) + " steps of epoch " + std::to_string(report.epoch) +
                     " were not finite and changed nothing");
  Scores judged;
  if (latest_step_ == step_) {  // by steps, just now
    report.columns = latest_;
  } else if (course_.validates(step_, report.epoch)) {
    judged = report.columns = validate();
  }
  Row row{"epoch", {{"epoch", report.epoch}, {"step", step_}, {"train_loss", report.train_loss}}};
  for (auto& [name, v] : report.columns) row.columns.emplace_back(name, v);
  if (report.columns.empty() && bench_.data.split("validation"))  // rows of a kind have the same columns
    for (auto& name : score_names(x_)) row.columns.emplace_back("validation_" + name, std::nan(""));
  row.columns.emplace_back("seconds", report.seconds);
  row.columns.emplace_back("samples_per_second", seen / std::max(report.seconds, 1e-9));
  journal_.append(row);
  schedule_.set_history(journal_.rows("epoch"), report.epoch);
  watcher_.epoch(report);
  epoch_loss_ = epoch_seconds_ = 0, epoch_samples_ = epoch_skipped_ = in_epoch_ = 0, ++epoch_;
  judged.emplace_back("train_loss", report.train_loss);
  judge(judged, report.epoch);
  last_drain_ = now();  // validation is no part of the training's speed
}

/// Shows the columns to those who follow one. The state is complete: what is kept as best can be gone on from.
void Training::judge(const Scores& columns, int64_t epoch) {
  const auto see = [&](std::optional<Monitor>& monitor) {
    for (auto& [name, v] : columns)
      if (monitor && monitor->metric().name == name) return monitor->see(v, step_, epoch);
    return false;
  };
  see(early_);
  if (see(best_)) write_checkpoint(folder_.best(), state());
}

/// Scores on all splits but the training's, with the best weights where they are kept. Of a run that had ended before (`again` false) those
/// on record.
void Training::evaluate(RunReport& report, bool again) {
  for (auto& split : bench_.data.splits()) again |= &split != &bench_.data.training() && !record_.scores(split.name);
  report.weights = {{}, Weights::last, step_, epoch_};
  if (best_ && best_->any()) try {
      const ChosenWeights best{folder_.best(), Weights::best, best_->step(), best_->epoch(), best_->metric().name, best_->best()};
      report.weights = again ? load_weights(bench_, folder_, {{}, Weights::best}) : best;
    } catch (const FileError& e) {
      watcher_.warning(std::string(e.what()) + " The scores are those of the last weights.");
    }
  for (auto& split : bench_.data.splits())
    if (&split != &bench_.data.training())
      report.evaluations[split.name] = again ? told(record_.evaluate(split, report.weights), split.name) : *record_.scores(split.name);
}

}  // namespace lamina
