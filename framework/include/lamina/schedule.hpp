/// A schedule is a struct with `double rate(const Moment&) const`: the learning rate of the coming update. It runs on the host before each
/// step and is pure: the rate depends on parameters and the moment alone, so that a resumed run repeats it.
#pragma once
#include <algorithm>
#include <span>

#include "plugin.hpp"
#include "sized.hpp"

namespace lamina {

/// Where the training is, before an update. Of a list of schedules each sees its own stretch of the run as the whole, whose steps and
/// epochs begin at 0, also where it begins in the middle of a pass over the data.
struct Moment {
  int64_t step, steps;    ///< updates done so far, and of the whole run
  int64_t epoch, epochs;  ///< epochs done so far, and of the whole run
  int64_t steps_per_epoch;
  double learning_rate;  ///< the experiment's
  const lamina_moment* raw;
  /// Whole steps or epochs done, in a schedule's unit.
  int64_t done(const std::string& unit) const { return unit == "step" ? step : epoch; }
  /// The same with parts of epochs, so that it grows in every step.
  double passed(const std::string& unit) const {
    return double(step) / (unit == "step" ? 1 : double(std::max<int64_t>(steps_per_epoch, 1)));
  }
  /// A metric after each epoch so far that measured it, the last one last; nothing where nobody measures it.
  std::span<const double> history(std::string_view name) const {
    for (uint32_t i = 0; raw->metric_histories && i < raw->metric_count; ++i)
      if (name == raw->metric_names[i]) return {raw->metric_histories[i], size_t(raw->history_counts[i])};
    return {};
  }
  /// Names of the metrics that are measured; none in the first epoch.
  std::vector<std::string> metrics() const { return {raw->metric_names, raw->metric_names + raw->metric_count}; }
  /// A metric of the last epoch that measured it ("validation_loss"); NaN where none did yet, absent in the first epoch and where nobody
  /// measures it.
  std::optional<double> metric(std::string_view name) const {
    for (uint32_t i = 0; i < raw->metric_count; ++i)
      if (name == raw->metric_names[i]) return raw->metric_values[i];
    return {};
  }
};

/// Declares the setting for it.
inline void declare_unit(Declaration& d, std::string& unit) {
  d.optional("unit", unit, "epoch | step", "what the schedule counts in: passes over the data, or updates");
}

namespace border {

template <class T>
struct Schedule {
  using Plugin = T;
  static lamina_status rate(const lamina_host* host, lamina_scope* handle, const lamina_attribute* settings, uint32_t setting_count,
                            const lamina_moment* m, double* rate) {
    return guard(host, handle, [&] {
      const lamina_moment known = read_sized(m);
      const T plugin = configured<T>(settings, setting_count);
      *rate = plugin.rate({known.step, known.steps, known.epoch, known.epochs, known.steps_per_epoch, known.learning_rate, &known});
    });
  }
  static void complete(Declaration&) {}
  static constexpr lamina_schedule table{sizeof(lamina_schedule), rate};
};

}  // namespace border
}  // namespace lamina

#define LAMINA_SCHEDULE(Type, name, doc) LAMINA_PLUGIN("schedule", name, doc, lamina::border::Schedule<Type>)
