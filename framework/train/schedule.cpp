#include "train/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <lamina/schedule.hpp>

#include "base/failure.hpp"
#include "base/shape.hpp"
#include "program/session.hpp"

namespace lamina {

Course::Course(const Experiment& experiment, int64_t samples, int64_t batch) {
  const TrainingConfig& training = experiment.training;
  batches_per_step = training.accumulate;
  batches_per_epoch = training.drop_last_batch ? samples / batch : (samples + batch - 1) / batch;
  if (!experiment.dataset) batches_per_epoch = checked_count({*training.steps, batches_per_step});
  steps_per_epoch = batches_per_epoch / batches_per_step + (batches_per_epoch % batches_per_step != 0);
  steps = training.steps ? *training.steps : checked_count({*training.epochs, steps_per_epoch});
  epochs = steps / steps_per_epoch + (steps % steps_per_epoch != 0);
  validation = training.validation;
}

Stretch::Stretch(const PluginConfig& plugin, double learning_rate, const Course& course, int64_t begin, int64_t steps)
    : plugin_(plugin),
      course_(course),
      begin_(begin),
      begin_epoch_(begin / course.steps_per_epoch),
      name_(plugin.plugin->name),
      table_(copy_sized<lamina_schedule>(plugin.plugin->table)),
      settings_(program::views(plugin.settings)) {
  if (!table_.rate) throw Failure(Exit::plugin, plugin.plugin->file + ": the schedule's table has no rate");
  scope_.where = "schedule '" + name_ + "'", scope_.file = plugin.plugin->file;
  words_ = scope_.in_words();
  moment_.size = sizeof moment_, moment_.steps = steps;
  moment_.epochs = steps / course.steps_per_epoch + (steps % course.steps_per_epoch != 0);
  moment_.steps_per_epoch = course.steps_per_epoch, moment_.learning_rate = learning_rate;
}

void Stretch::set_history(const Rows& journal, int64_t epochs) {
  metrics_.clear(), measured_.clear();
  const size_t first = size_t(begin_epoch_), all = std::min(size_t(epochs), journal.size());
  for (const Column& column : journal.columns) {
    if (!column.real || column.name == "seconds" || column.name == "samples_per_second" || all <= first) continue;
    metrics_.push_back(column.name);
    std::vector<double>& values = measured_.emplace_back();
    for (size_t epoch = first; epoch < all; ++epoch) {
      // The journal has NaN for an epoch without a validation and for a validation that came to no number; only the latter is an epoch in
      // which the metric was no better.
      const int64_t done = int64_t(epoch) + 1, step = std::min(done * course_.steps_per_epoch, course_.steps);
      if (!column.name.starts_with("validation_") || course_.validates(step, done)) values.push_back(column.reals[epoch]);
    }
  }
  show_metrics();
}

void Stretch::show_metrics() {
  names_.clear(), last_.clear(), histories_.clear(), counts_.clear();
  for (auto& name : metrics_) names_.push_back(name.c_str());
  for (auto& values : measured_) {
    last_.push_back(values.empty() ? std::nan("") : values.back());
    histories_.push_back(values.data()), counts_.push_back(int64_t(values.size()));
  }
  moment_.metric_count = uint32_t(names_.size()), moment_.metric_names = names_.data(), moment_.metric_values = last_.data();
  moment_.metric_histories = histories_.data(), moment_.history_counts = counts_.data();
}

void Stretch::check(const std::vector<std::string>& metrics) {
  if (moment_.steps <= moment_.steps_per_epoch) return;  // it is never asked after an epoch of its own
  metrics_ = metrics, measured_.assign(metrics.size(), {1.0});
  show_metrics();
  try {
    asked(moment_.steps_per_epoch);  // the rate itself is of no meaning
  } catch (const Error& e) {
    throw ConfigError({Fault{plugin_.place_of(e.setting), e.what()}});
  }
  set_history({}, 0);
}

/// The plugin's answer for its own `step`. Error, with the setting that it is about.
double Stretch::asked(int64_t step) {
  moment_.step = step, moment_.epoch = step / moment_.steps_per_epoch;
  double rate = 0;
  if (graph::call_plugin(scope_, words_.c_str(), [&](auto* host, auto* handle) {
        return table_.rate(host, handle, settings_.data(), uint32_t(settings_.size()), &moment_, &rate);
      }))
    scope_.raise();
  return rate;
}

double Stretch::rate(int64_t step) {
  double rate = 0;
  try {
    rate = asked(step - begin_);
  } catch (const Error& e) {
    throw Failure(Exit::plugin, e.what());
  }
  if (!std::isfinite(rate))
    throw Failure(Exit::plugin, scope_.sentence("the learning rate of step " + std::to_string(step + 1) + " is not finite"));
  return rate;
}

Schedule::Schedule(const Experiment& experiment, const Course& course) {
  int64_t begin = 0;
  for (const ScheduleConfig& s : experiment.schedules) {
    // A stretch that the run does not come to begins at its end; what it would be is of no meaning.
    const int64_t rest = std::max<int64_t>(course.steps - begin, 1);
    const int64_t steps = s.steps ? *s.steps : s.epochs ? checked_count({*s.epochs, course.steps_per_epoch}) : rest;
    stretches_.push_back(std::make_unique<Stretch>(s.schedule, experiment.learning_rate, course, begin, steps));
    begin = std::min(course.steps, steps > course.steps ? course.steps : begin + steps);
  }
}

void Schedule::check(const std::vector<std::string>& metrics) {
  for (auto& stretch : stretches_) stretch->check(metrics);
}

void Schedule::set_history(const Rows& journal, int64_t epochs) {
  for (auto& stretch : stretches_) stretch->set_history(journal, epochs);
}

double Schedule::rate(int64_t step) {
  size_t k = stretches_.size() - 1;
  while (k > 0 && stretches_[k]->begin() > step) --k;
  return stretches_[k]->rate(step);
}

}  // namespace lamina
