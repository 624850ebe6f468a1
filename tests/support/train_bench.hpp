/// Experiments run in this process, with the plugins of the build and those of the tests.
#pragma once
#include "plugin/registry.hpp"
#include "support/small_run.hpp"
#include "train/run.hpp"

namespace lamina::test {

Registry& all_plugins();

/// The small experiment in a scratch folder.
struct SmallRuns {
  Scratch scratch;
  std::filesystem::path experiment, runs = scratch.path / "runs";
  struct Seen : Watcher {
    std::vector<std::string> warnings;
    std::vector<EpochReport> epochs;
    void epoch(const EpochReport& e) override { epochs.push_back(e); }
    void warning(const std::string& text) override { warnings.push_back(text); }
  } seen;

  explicit SmallRuns(const std::string& backend = R"({"type": "cpu", "threads": 2})")
      : experiment(write_small_experiment(scratch.path, backend)) {}
  Experiment load(const std::vector<std::string>& overrides = {}) const { return load_experiment(experiment, all_plugins(), overrides); }
  RunReport run(const std::vector<std::string>& overrides = {}, std::optional<int64_t> stop = {}) {
    return run_experiment(load(overrides), all_plugins(), {runs, stop, "test"}, seen);
  }
  RunReport resume(const std::filesystem::path& folder, std::optional<int64_t> stop = {}) {
    return resume_run(folder, all_plugins(), {runs, stop, "test"}, seen);
  }
};

/// The exit code and sentence of what `body` throws; code 0: nothing.
template <class Body>
std::pair<int, std::string> failure(Body body) {
  try {
    body();
  } catch (const Failure& e) {
    return {int(e.exit), e.what()};
  }
  return {0, ""};
}

}  // namespace lamina::test
