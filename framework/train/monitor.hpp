/// Follows one metric over the validations of a run.
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "config/training_parts.hpp"
#include "record/checkpoint.hpp"

namespace lamina {

/// Which value was best, and how many came since. A value is better when it is so by more than `min_delta`; NaN never is. What it knows is
/// a function of the values it saw, so a resumed run that restores it decides alike.
class Monitor {
 public:
  explicit Monitor(FollowedMetric metric, double min_delta = 0) : metric_(std::move(metric)), min_delta_(min_delta) {}

  /// True: it is the best so far. `epoch`: counted from 1, the one under way.
  bool see(double value, int64_t step, int64_t epoch);
  void forget() { seen_ = since_ = step_ = epoch_ = 0, best_ = 0; }

  const FollowedMetric& metric() const { return metric_; }
  bool any() const { return step_ > 0; }  ///< some value was a number
  double best() const { return best_; }
  int64_t step() const { return step_; }
  int64_t epoch() const { return epoch_; }
  int64_t since() const { return since_; }  ///< values after the best one

  void save(const std::string& name, std::map<std::string, StateValue>& state) const;
  /// As new where the state knows nothing of it.
  void restore(const std::string& name, const std::map<std::string, StateValue>& state);

 private:
  FollowedMetric metric_;
  double min_delta_, best_ = 0;
  int64_t seen_ = 0, since_ = 0, step_ = 0, epoch_ = 0;
};

}  // namespace lamina
