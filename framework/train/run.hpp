/// Running experiments: what the commands run, resume, check, evaluate, predict and summary do. No output of its own: what happens is told
/// to a Watcher, what went wrong is a Failure with its exit code.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/experiment.hpp"
#include "graph/graph.hpp"

namespace lamina {

/// What one step or epoch was like.
struct StepReport {
  int64_t step, steps, epoch, epochs;  ///< counted from 1; steps of the whole run
  double loss, learning_rate, samples_per_second;
  double progress;  ///< of the whole run, in [0, 1]
};
struct EpochReport {
  int64_t epoch, epochs;
  double train_loss, seconds;
  std::vector<std::pair<std::string, double>> columns;  ///< "validation_loss", "validation_accuracy", … in journal order
};
/// A validation between two ends of epochs.
struct ValidationReport {
  int64_t step, steps, epoch, epochs;                   ///< as in StepReport
  std::vector<std::pair<std::string, double>> columns;  ///< as in EpochReport
};
using Scores = std::vector<std::pair<std::string, double>>;  ///< "loss" first, then the metrics by name
/// Which of a run's weights are meant.
enum class Weights { last, best };
/// Which to take: those of a file, or as said; nothing said: the best where the run keeps them, else the last.
struct WeightsChoice {
  std::optional<std::filesystem::path> file = {};
  std::optional<Weights> which = {};
};
/// The weights that were taken.
struct ChosenWeights {
  std::filesystem::path file;
  Weights which = Weights::last;
  int64_t step = 0, epoch = 0;  ///< epoch: of the last weights, how many were done; of the best ones, the one that found them, from 1
  std::string metric = {};      ///< of the best ones: "validation_loss"
  double value = 0;
};
struct RunReport {
  std::filesystem::path folder;
  int64_t steps = 0, epochs = 0;
  double seconds = 0;
  std::map<std::string, Scores> evaluations;  ///< by split: "validation", "test"
  int stopped_by = 0;                         ///< the signal that ended the run after a checkpoint; 0: it ran to its end
  std::vector<std::string> overrides = {};    ///< of a resumed run: what the next resume must name again for the same bits
  bool complete = false;                      ///< it ran to its end, early or not
  std::string early = {};                     ///< why it ended before its last step; "": it did not
  ChosenWeights weights = {};                 ///< with which the evaluations were made
};

class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void started(const std::filesystem::path& folder, const Experiment&, const std::string& device, int64_t parameters,
                       int64_t resumed_at_step) {
    (void)folder, (void)device, (void)parameters, (void)resumed_at_step;
  }
  virtual void step(const StepReport&) {}  ///< at most about 20 times a second
  virtual void epoch(const EpochReport&) {}
  virtual void validation(const ValidationReport&) {}
  virtual void warning(const std::string&) {}
};

struct RunOptions {
  std::filesystem::path runs = "runs";      ///< new run folders are made here
  std::optional<int64_t> stop_after_steps;  ///< ends the run there, after a checkpoint
  std::string command;                      ///< for the record
  bool profile = false;                     ///< times the ops over a stretch of steps, for run.h5
  std::vector<std::string> overrides = {};  ///< of a run that is resumed, of its backend alone: "backend.type=…"
};

/// Trains a checked experiment in a new run folder. Nothing is written before data, network and device are known to be good.
RunReport run_experiment(const Experiment& experiment, Catalogue& catalogue, const RunOptions& options, Watcher& watcher);

/// Goes on with a run from its newest sound checkpoint (from the start where there is none yet). On another device, backend or precision
/// than the checkpoint's only when overrides are given: then with a warning that the bits may differ; what the journal holds of later steps
/// is forgotten. Failure(Exit::backend) else.
RunReport resume_run(const std::filesystem::path& folder, Catalogue& catalogue, const RunOptions& options, Watcher& watcher);

/// Asks running steps to end: the run checkpoints and returns with stopped_by = signal. Safe in a signal handler.
void request_stop(int signal);

/// Everything that a run does before its first step: opens the data, records the network, opens the device, plans. Throws what is wrong.
void check_experiment(const Experiment& experiment, Catalogue& catalogue);

struct LayerSummary {
  std::string path, type;
  std::vector<std::string> output_shapes;  ///< "[64, 6, 28, 28]"
  int64_t parameters = 0;
  double flops = 0;  ///< forward, per batch: 2 × multiply-adds of convolutions and matrix products
  bool trainable = true;
};
struct KernelSummary {
  std::string layer, kernel;
  std::vector<std::string> bodies;  ///< "CPU float32", "CPU float64", "GLSL": where it can run
  bool gradient = false;
};
struct ExperimentSummary {
  std::string name, backend, device;
  int64_t batch = 0, parameters = 0, trained = 0;
  uint64_t arena_bytes = 0, state_bytes = 0, input_bytes = 0;  ///< of one training step
  std::vector<LayerSummary> layers;
  std::vector<std::string> claimed, decomposed;          ///< composites: "bn1: normalize"
  std::vector<KernelSummary> kernels;                    ///< of plugins, in a training step
  std::vector<std::pair<std::string, std::string>> ops;  ///< of a training step in running order: op, layer
  std::vector<std::string> explanation;                  ///< what the backend made of it: a line that sums it up, then one for each part
};
ExperimentSummary summarise(const Experiment& experiment, Catalogue& catalogue);

/// Loss and metrics of a finished or stopped run on a split; updates run.h5's evaluation/<split>. `overrides`, here and below: of the
/// backend alone. Failure(Exit::usage) where the best weights are wanted of a run that keeps none.
struct Evaluated {
  Scores scores;
  ChosenWeights weights;
  std::vector<std::string> warnings;  ///< recorded steps that are left out of run.h5, as their files are damaged
  bool kept = true;                   ///< in run.h5
};
/// What is scored on other data than the run's, by an override of the data set, is not kept.
Evaluated evaluate_run(const std::filesystem::path& folder, const std::string& split, const WeightsChoice& weights, Catalogue& catalogue,
                       const std::vector<std::string>& overrides = {});

/// What is predicted from: the arrays of an HDF5 file (one per column that the network reads, samples along axis 0), or where none is
/// named a split of the run's data.
struct SampleSource {
  std::filesystem::path file = {};
  std::string split = {};
};
/// Runs the network and writes the outputs of `layers` (none named: the loss's prediction) to an HDF5 file, under their names; of a split
/// also `sample`, the numbers of its samples in the data set. A file that is there already is replaced only where this wrote it.
struct Predicted {
  int64_t samples = 0;
  ChosenWeights weights;
};
Predicted predict(const std::filesystem::path& folder, const SampleSource& from, const std::filesystem::path& output,
                  std::vector<std::string> layers, const WeightsChoice& weights, Catalogue& catalogue,
                  const std::vector<std::string>& overrides = {});

}  // namespace lamina
