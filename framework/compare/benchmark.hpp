/// How long a training step takes, and each of its layers.
#pragma once
#include <string>
#include <vector>

#include "config/experiment.hpp"
#include "program/profile.hpp"

namespace lamina::compare {

struct Benchmark {
  std::string backend, device;
  int64_t batch = 0, steps = 0, warm_up = 0;
  double first_step = 0;                  ///< seconds from opening the data to the end of the first step
  double median = 0, fastest = 0;         ///< seconds per step
  std::vector<program::OpProfile> ops;    ///< seconds per step; empty where the backend has no clock
  std::vector<program::PathTime> layers;  ///< the same by layer
  double samples_per_second() const { return median > 0 ? double(batch) / median : 0; }
};

/// Trains an experiment from its start and keeps nothing: `warm_up` steps, then `steps` that are timed at the pace of a run, then at most
/// 32 more with the clock of the backend on, which costs time of its own. Failure and ConfigError as of a run.
Benchmark benchmark(const Experiment& experiment, Catalogue& catalogue, int64_t steps, int64_t warm_up);

}  // namespace lamina::compare
