/// The folder of one run: experiment.json, resolved.json, metrics.jsonl, run.h5, checkpoints/, log.txt. One process at a time.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/experiment.hpp"
#include "record/checkpoint.hpp"

namespace lamina {

class RunFolder {
 public:
  /// Makes runs/<name>-<number> with the experiment in it. It appears whole or not at all.
  static RunFolder create(const std::filesystem::path& runs, const Experiment& experiment);
  /// Failure(Exit::usage) when this is no run folder, or another process runs in it.
  static RunFolder open(const std::filesystem::path& folder);
  /// For reading only: also while another process runs in it.
  static RunFolder look(const std::filesystem::path& folder);
  RunFolder(RunFolder&& other) noexcept;
  ~RunFolder();

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path journal() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path snapshot() const { return path_ / "run.h5"; }
  std::filesystem::path resolved() const { return path_ / "resolved.json"; }
  std::string source() const;  ///< the experiment as it was given

  /// Step numbers of the checkpoints, newest first.
  std::vector<int64_t> checkpoints() const;
  std::filesystem::path checkpoint(int64_t step) const;
  /// Of the best validation, where the run keeps it.
  std::filesystem::path best() const { return path_ / "checkpoints" / "best.h5"; }
  /// Steps whose tensors were recorded, in order, and the file of one.
  std::vector<int64_t> recorded() const;
  std::filesystem::path recorded(int64_t step) const;
  void write_recorded(int64_t step, const Checkpoint& tensors) const;
  void forget_recorded_after(int64_t step) const;

  /// Writes one and removes all but the newest `keep`.
  void write(int64_t step, const Checkpoint& checkpoint, int64_t keep);
  /// The newest that is sound; what was wrong with newer ones is added to `damaged`.
  std::optional<Checkpoint> newest(std::vector<std::string>& damaged) const;

  /// Temporary files of a process that was killed while it wrote.
  void remove_leftovers() const;

  /// A line with time in log.txt; failing to write it disturbs nothing.
  void log(const std::string& line) const;

 private:
  RunFolder(std::filesystem::path path, bool alone);
  std::filesystem::path path_;
  int lock_ = -1;
};

std::string now_text();  ///< "2026-01-31T12:00:00Z"

}  // namespace lamina
