/// An experiment made ready to run: data, session, programs by batch size, the state in and out.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "program/model.hpp"
#include "program/session.hpp"
#include "record/checkpoint.hpp"
#include "record/snapshot.hpp"
#include "train/data.hpp"
#include "train/run.hpp"

namespace lamina {

class Workbench {
 public:
  /// Opens data and device and compiles the training program, which lays out the state. Nothing is initialised yet.
  Workbench(const Experiment& experiment, Catalogue& catalogue);

  program::Executable& training(int64_t batch);
  /// The batches before the last of an update of several.
  program::Executable& accumulating(int64_t batch);
  /// Loss and metric sums.
  program::Executable& evaluation(int64_t batch);
  /// All programs that a run needs: so what does not fit is known before the first step.
  void compile_all();
  /// A look into a training step that changes nothing: every result of every layer ("c1", "parts.high") in training mode, "loss", and
  /// "gradient/<parameter>" of all that is trained.
  program::Executable& inspecting(int64_t batch);
  /// The same of what is named alone: results of layers, and gradients with respect to parameters.
  program::Executable& watching(int64_t batch, const std::vector<std::string>& results, const std::vector<std::string>& parameters);
  std::vector<std::string> layer_results() const;       ///< "c1", "parts.high"; real ones
  std::vector<std::string> trained_parameters() const;  ///< "c1/weight"
  program::Executable& predicting(int64_t batch, const std::vector<std::string>& layers);

  int64_t batch() const { return batch_; }  ///< of a full training step: batch_size, or all samples where they are fewer
  const std::vector<program::RecordedLayer>& layers() const { return layers_; }
  const std::vector<std::string>& without_gradient() const { return without_gradient_; }
  int64_t parameters() const;
  /// A sentence where the data have classes for which the prediction has no score (a loss that ignores them may mean it so); else "".
  std::string missing_classes() const;

  /// Loss and metrics over every sample of a split, each counted once. `record`, when given and the network is a classifier, gets the
  /// confusion matrix and the predictions.
  Scores evaluate(const DataSplit& split, Evaluation* record = nullptr);

  /// model/<path> and optimizer/<slot>/<path> of the whole state.
  std::vector<NamedArray> save() const;
  /// Every tensor must be there with its shape, but those of loss scaling, which begins anew without them. Failure(Exit::experiment) names
  /// what does not fit.
  void load(const std::vector<NamedArray>& tensors, const std::string& file);
  /// The experiment's initial_weights over the initial values.
  void load_initial_weights();
  /// Averages begin as what they are averages of.
  void start_averages();

  const Experiment& experiment;
  Catalogue& catalogue;
  Data data;
  program::Session session;

 private:
  std::unique_ptr<program::Executable> compile(const program::Request& request, const std::string& name);
  program::Request step(int64_t batch) const;

  double finish(const MetricConfig& metric, const std::vector<double>& sums) const;
  std::string prediction() const;  ///< the layer whose output the first loss reads, as fetch names it

  int64_t batch_;
  std::map<std::string, std::unique_ptr<program::Executable>> programs_;
  std::vector<program::RecordedLayer> layers_;
  std::vector<std::string> without_gradient_;
};

}  // namespace lamina
