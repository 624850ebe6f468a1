/// What the training section says of validation, of how the metrics that it measures end a run and choose its weights, and of sampling.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/faults.hpp"

namespace lamina {

class SectionReader;
struct TrainingConfig;

/// A column of the epochs' record that is followed: "validation_loss", "validation_accuracy", "train_loss".
struct FollowedMetric {
  std::string name;
  bool larger_is_better = false;
  Place place;
  bool of_validation() const { return name.starts_with("validation_"); }
};

struct EarlyStoppingConfig {
  FollowedMetric metric;
  int64_t patience = 1;
  double min_delta = 0;
};

/// Samples are drawn with replacement, each as often as its weight says.
struct SamplingConfig {
  std::string column;  ///< of the weights; "": so that all classes of the target come equally often
  Place place;
};

struct ValidationTimes {
  int64_t every_epochs = 1;
  std::optional<int64_t> every_steps;
};

/// Reads these parts of the training section `object`. `columns`: names that may be followed, with what is known of their direction.
struct KnownColumn {
  std::string name;
  std::optional<bool> larger_is_better;
};
void read_training_parts(const Json& object, const std::vector<KnownColumn>& columns, SectionReader& reader, TrainingConfig& training);
/// The same parts with every default filled in.
void write_training_parts(Json& object, const TrainingConfig& training);

}  // namespace lamina
