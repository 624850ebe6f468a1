#include "train/schedule.hpp"

#include <algorithm>
#include <cmath>

#include "base/failure.hpp"
#include "base/shape.hpp"
#include "program/session.hpp"

namespace lamina {

Course::Course(const TrainingConfig& training, int64_t samples, int64_t batch) {
  batches_per_step = training.accumulate;
  batches_per_epoch = training.drop_last_batch ? samples / batch : (samples + batch - 1) / batch;
  steps_per_epoch = batches_per_epoch / batches_per_step + (batches_per_epoch % batches_per_step != 0);
  steps = training.steps ? *training.steps : checked_count({*training.epochs, steps_per_epoch});
  epochs = steps / steps_per_epoch + (steps % steps_per_epoch != 0);
}

Schedule::Schedule(const Experiment& experiment, const Course& course)
    : name_(experiment.schedule.plugin->name),
      table_(copy_sized<lamina_schedule>(experiment.schedule.plugin->table)),
      settings_(program::views(experiment.schedule.settings)) {
  if (!table_.rate) throw Failure(Exit::plugin, experiment.schedule.plugin->file + ": the schedule's table has no rate");
  scope_.where = "schedule '" + name_ + "'", scope_.file = experiment.schedule.plugin->file;
  words_ = scope_.in_words();
  moment_.size = sizeof moment_, moment_.steps = course.steps, moment_.epochs = course.epochs;
  moment_.steps_per_epoch = course.steps_per_epoch, moment_.learning_rate = experiment.learning_rate;
}

void Schedule::set_history(const Rows& journal, int64_t epochs) {
  metrics_.clear(), names_.clear(), last_.clear(), history_.clear();
  const size_t count = std::min(size_t(epochs), journal.size());
  for (const Column& column : journal.columns) {
    if (!column.real || column.name == "seconds" || column.name == "samples_per_second" || !count) continue;
    metrics_.push_back(column.name), last_.push_back(column.reals[count - 1]);
    history_.insert(history_.end(), column.reals.begin(), column.reals.begin() + ptrdiff_t(count));
  }
  for (auto& name : metrics_) names_.push_back(name.c_str());
  moment_.metric_count = uint32_t(names_.size()), moment_.metric_names = names_.data(), moment_.metric_values = last_.data();
  moment_.metric_history = history_.data(), moment_.history_count = int64_t(count);
}

double Schedule::rate(int64_t step, int64_t epoch) {
  moment_.step = step, moment_.epoch = epoch;
  double rate = 0;
  if (graph::call_plugin(scope_, words_.c_str(), [&](auto* host, auto* handle) {
        return table_.rate(host, handle, settings_.data(), uint32_t(settings_.size()), &moment_, &rate);
      })) {
    try {
      scope_.raise();
    } catch (const std::exception& e) {
      throw Failure(Exit::plugin, e.what());
    }
  }
  if (!std::isfinite(rate))
    throw Failure(Exit::plugin, scope_.sentence("the learning rate of step " + std::to_string(step + 1) + " is not finite"));
  return rate;
}

}  // namespace lamina
