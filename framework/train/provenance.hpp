/// What run.h5 says of a run beside its course: configuration, where and with what it ran, results on the splits.
#pragma once
#include <map>
#include <optional>
#include <string>

#include "record/snapshot.hpp"
#include "train/run_folder.hpp"
#include "train/workbench.hpp"

namespace lamina {

class RunRecord {
 public:
  RunRecord(Workbench& bench, const std::string& command);
  /// Takes over what an earlier run.h5 says of the run's start, of its profile and of splits evaluated before; where nothing is trained
  /// (`trains` false), also on what it was trained. An unreadable one is passed over. Returns the status it had; of a run that was killed,
  /// "stopped".
  std::string take_over(const RunFolder& folder, bool trains = true);
  /// Loss and metrics of a split, where it was evaluated.
  std::optional<Scores> scores(const std::string& split) const;
  /// What the bits of a run depend on beside its experiment and device: plugins ("layer/conv") and the program, with their hashes.
  const std::vector<std::pair<std::string, std::string>>& origins() const { return origins_; }
  /// Loss, metrics and, for a classifier, the confusion matrix and predictions of a split; kept for the snapshots that follow.
  Scores evaluate(const DataSplit& split, const ChosenWeights& weights);
  /// Keeps the time of a training step for the snapshots that follow: `times` of `steps` steps from `first_step` on, added up.
  void profile(const std::vector<program::OpProfile>& times, int64_t first_step, int64_t steps);
  /// Writes run.h5 whole. `status`: running, finished, stopped_early (with the reason), stopped, diverged, failed. While it is running,
  /// recorded tensors are left in their own files: they may be much, and this is done at every epoch. Returns a sentence for each of these
  /// files that is damaged.
  std::vector<std::string> write(const RunFolder& folder, const Journal& journal, const std::string& status,
                                 const std::string& reason = "");

 private:
  Workbench& bench_;
  std::string command_, started_;
  std::vector<std::string> overrides_;
  std::vector<std::pair<std::string, std::string>> origins_;
  std::map<std::string, Evaluation> evaluations_;
  std::optional<ProfileRecord> profile_;
  struct Trained {  ///< what the file says of a run that this process only looks at
    std::string resolved;
    FileAttributes provenance;
    std::vector<PluginRecord> plugins;
  };
  std::optional<Trained> trained_;
};

}  // namespace lamina
