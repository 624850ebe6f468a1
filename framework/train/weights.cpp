#include "train/weights.hpp"

#include "base/failure.hpp"
#include "train/monitor.hpp"

namespace lamina {
namespace {

std::pair<std::filesystem::path, Checkpoint> newest(const RunFolder& folder) {
  std::vector<std::string> damaged;
  if (auto found = folder.newest(damaged)) return {folder.checkpoint(std::get<int64_t>(found->state.at("step"))), std::move(*found)};
  throw Failure(Exit::experiment, folder.path().string() + ": it has no sound checkpoint" + (damaged.empty() ? "" : "; " + damaged[0]));
}

int64_t number(const Checkpoint& c, const char* name) {
  const auto at = c.state.find(name);
  return at != c.state.end() && std::holds_alternative<int64_t>(at->second) ? std::get<int64_t>(at->second) : 0;
}

}  // namespace

ChosenWeights load_weights(Workbench& bench, const RunFolder& folder, const WeightsChoice& choice) {
  const auto& kept = bench.experiment.training.keep_best;
  const bool there = std::filesystem::exists(folder.best());
  if (!choice.file && choice.which == Weights::best && !there)
    throw Failure(Exit::usage, folder.path().string() + ": it has no best weights" +
                                   (kept ? " yet, as it was stopped before its first validation"
                                         : "; an experiment with \"training\": {\"keep_best\": true} keeps them"));
  const bool best = !choice.file && there && (choice.which ? *choice.which == Weights::best : kept.has_value());
  const auto [file, checkpoint] = choice.file ? std::pair(*choice.file, read_checkpoint(*choice.file))
                                  : best      ? std::pair(folder.best(), read_checkpoint(folder.best()))
                                              : newest(folder);
  bench.load(checkpoint.tensors, file.string());
  ChosenWeights chosen{file, best ? Weights::best : Weights::last, number(checkpoint, "step"), number(checkpoint, "epoch")};
  if (!best || !kept) return chosen;
  Monitor monitor(*kept);
  monitor.restore("keep_best", checkpoint.state);
  chosen.metric = kept->name, chosen.value = monitor.best(), chosen.epoch = monitor.epoch();
  return chosen;
}

}  // namespace lamina
