#include "train/monitor.hpp"

#include <cmath>

namespace lamina {

bool Monitor::see(double value, int64_t step, int64_t epoch) {
  ++seen_;
  const double gain = metric_.larger_is_better ? value - best_ : best_ - value;
  if (std::isnan(value) || (any() && !(gain > min_delta_))) {
    ++since_;
    return false;
  }
  best_ = value, step_ = step, epoch_ = epoch, since_ = 0;
  return true;
}

void Monitor::save(const std::string& name, std::map<std::string, StateValue>& state) const {
  if (!seen_) return;
  state[name + ".best"] = best_;
  state[name + ".best_step"] = step_, state[name + ".best_epoch"] = epoch_;
  state[name + ".seen"] = seen_, state[name + ".since"] = since_;
}

void Monitor::restore(const std::string& name, const std::map<std::string, StateValue>& state) {
  forget();
  const auto take = [&](const char* key, auto& to) {
    const auto at = state.find(name + key);
    if (at != state.end()) {
      if (const auto* v = std::get_if<std::decay_t<decltype(to)>>(&at->second)) to = *v;
    }
  };
  take(".best", best_), take(".best_step", step_), take(".best_epoch", epoch_), take(".seen", seen_), take(".since", since_);
}

}  // namespace lamina
