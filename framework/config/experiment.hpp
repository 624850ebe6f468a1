/// An experiment file as checked values: what the rest of Lamina works with.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/descriptor.hpp"
#include "config/faults.hpp"
#include "config/training_parts.hpp"

namespace lamina {

/// A plugin that was named and its settings, complete with defaults.
struct PluginConfig {
  const Descriptor* plugin = nullptr;  ///< the catalogue's
  std::vector<Attribute> settings;
  Place place;                                            ///< for faults found later
  std::vector<std::pair<std::string, Place>> given = {};  ///< the settings that the file gives: "stride", "parameters.beta.initial"
  /// Where the file gives this setting; where not, the object it would stand in.
  const Place& place_of(const std::string& setting) const;
};

/// A result of a layer, or a dataset column.
struct Reference {
  bool is_column() const { return !column.empty(); }
  std::string column;   ///< "" for a layer
  size_t layer = 0;     ///< index in Experiment::layers
  uint32_t result = 0;  ///< which of the layer's results
  Place place;
};

struct InitializerConfig {
  std::string parameter;  ///< which parameter of the layer it fills; it is not known here whether the layer has it
  PluginConfig initializer;
};

/// What the training loss has beside the file's losses: l1 · Σ|w| + l2 · Σw² of a parameter.
struct RegularizeConfig {
  std::string parameter;  ///< of the layer; it is not known here whether the layer has it
  double l1 = 0, l2 = 0;
  Place place;
};

struct LayerConfig {
  std::string path;  ///< unique: "c1", or "res1/conv1" inside a block
  PluginConfig layer;
  std::vector<Reference> inputs;  ///< as many as the plugin's ports allow; each layer before this one
  bool trainable = true;
  bool training = true;  ///< false: behaves as in evaluation always
  double learning_rate_scale = 1;
  std::optional<size_t> share;  ///< the layer whose parameters and state it uses; that one shares with no other
  std::vector<InitializerConfig> initializers;
  std::vector<RegularizeConfig> regularize;
};

/// Training samples that are held back. At most one of fraction, samples and folds is given.
struct ValidationConfig {
  std::optional<double> fraction;
  std::optional<int64_t> samples;
  std::optional<int64_t> folds;
  int64_t fold = 1;         ///< the one that is held back, of 1 … folds
  bool stratified = false;  ///< each class of the target as often as among all training samples
  Place place;
  bool any() const { return fraction || samples || folds; }
};

/// The column that dataset.class_weights makes.
inline constexpr const char* class_weight = "class_weight";

struct TransformConfig {
  PluginConfig transform;
  std::vector<std::string> columns;  ///< each once, as many as the plugin has inputs
};

struct LossConfig {
  std::string name;  ///< unique where it is recorded by itself, see column(); "" where the sum says it all
  PluginConfig loss;
  double scale = 1;  ///< its factor in the sum that is minimised
  Reference prediction, target;
  std::optional<Reference> weight;
  std::string column() const { return name.empty() ? "" : name + "_loss"; }
};

struct MetricConfig {
  std::string name;  ///< unique
  PluginConfig metric;
  Reference prediction, target;
  std::optional<Reference> weight;
};

/// Parameters with settings of their own.
struct GroupConfig {
  std::vector<std::pair<std::string, Place>> patterns;  ///< of names "layer/parameter"
  std::vector<Attribute> given;                         ///< what it sets of the optimizer's settings
  PluginConfig optimizer;                               ///< the experiment's with these in place of its own
  std::optional<double> learning_rate;                  ///< in place of the experiment's; follows the schedule in the same proportion
  double learning_rate_scale = 1;                       ///< where there is none
  bool trainable = true;
};

struct ClipConfig {
  std::optional<double> value;  ///< of every element of a gradient
  std::optional<double> norm;   ///< of all gradients together
};

/// A moving average of the weights.
struct AverageConfig {
  double decay = 0.999;
  bool warm_up = true;   ///< the plain mean of all updates, as long as that forgets faster
  bool evaluate = true;  ///< evaluation and prediction take the average
};

/// A stretch of the run and the schedule that it sees. Of several, all but the last have a length; the last has the rest.
struct ScheduleConfig {
  PluginConfig schedule;
  std::optional<int64_t> epochs, steps;  ///< its length, at most one
};

struct TrainingConfig {
  std::optional<int64_t> epochs, steps;  ///< exactly one is given
  int64_t batch_size = 1;
  bool drop_last_batch = false, shuffle = true, skip_nonfinite = false;
  int64_t accumulate = 1;  ///< batches per update
  ClipConfig clip;
  std::optional<AverageConfig> average;
  ValidationTimes validation;
  std::optional<EarlyStoppingConfig> early_stopping;
  std::optional<FollowedMetric> keep_best;
  std::optional<SamplingConfig> sampling;
  std::optional<int64_t> overfit_batches;  ///< each split is cut to so many, and nothing about them is random
};

struct WeightsConfig {
  std::string file;                        ///< absolute
  std::map<std::string, std::string> map;  ///< name in the file → name in the network
  bool strict = true;
  Place place;
};

/// Tensors of some steps that run.h5 keeps.
struct RecordConfig {
  std::optional<int64_t> every_steps, every_epochs;
  std::vector<int64_t> steps;                                ///< counted from 1
  std::vector<std::string> activations, gradients, weights;  ///< names, in which * stands for any characters
  Place place;
};

struct CheckpointConfig {
  int64_t every_epochs = 1;
  std::optional<int64_t> every_steps;
  int64_t keep = 2;
};

struct Experiment {
  std::string name, description;
  int64_t seed = 1;
  std::optional<PluginConfig> dataset;
  ValidationConfig validation;
  bool class_weights = false;  ///< there is a column class_weight, by which all classes of the target count alike
  std::vector<TransformConfig> transforms;
  std::vector<LayerConfig> layers;  ///< inputs come before; else in the order of the file
  std::vector<LossConfig> losses;   ///< one or more; the first one's prediction and target are what metrics read by default
  std::vector<MetricConfig> metrics;
  PluginConfig optimizer;
  double learning_rate = 0;
  std::vector<GroupConfig> groups;        ///< a parameter belongs to the first that has its name
  std::vector<ScheduleConfig> schedules;  ///< one or more, in their order
  TrainingConfig training;
  PluginConfig backend;
  std::optional<WeightsConfig> initial_weights;
  CheckpointConfig checkpoint;
  int64_t log_every_steps = 1;
  std::optional<RecordConfig> record;

  std::filesystem::path file;          ///< as it was named
  std::string source;                  ///< its text
  std::vector<std::string> overrides;  ///< "path=value"
  Json resolved;  ///< an experiment again: strict, self-contained, every default filled in, blocks expanded, paths absolute
};

/// Whether a plugin has a setting of this name, and takes a text that is one of several words.
enum class Takes { yes, not_the_value, not_the_key };
Takes takes(const Descriptor& plugin, const std::string& key, const Json& value);

/// Reads, merges and checks an experiment. ConfigError tells everything that is wrong. No dataset, device or HDF5 file is opened; the
/// plugins that are named are loaded through `catalogue`, which must outlive the result. An override that names another backend keeps of
/// the file's settings those that both backends take, except `device`. Its paths are relative to the current folder.
Experiment load_experiment(const std::filesystem::path& file, Catalogue& catalogue, const std::vector<std::string>& overrides = {});
/// The same of a text at hand; `file` names it, and paths inside are seen from its folder.
Experiment load_experiment(const std::string& text, const std::filesystem::path& file, Catalogue& catalogue,
                           const std::vector<std::string>& overrides = {});

/// What an evaluation measures, in its order: "loss", the losses that are recorded by themselves, the metrics.
std::vector<std::string> score_names(const Experiment& experiment);

/// Once the dataset is open: ConfigError with the nearest name for every column an experiment names that is not among `columns`.
void check_columns(const Experiment& experiment, const std::vector<std::string>& columns);

}  // namespace lamina
