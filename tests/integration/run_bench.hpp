/// The small experiment run by the program, in a scratch folder.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "integration/child.hpp"
#include "support/small_run.hpp"

namespace lamina::test {

std::string content(const std::filesystem::path& file);
size_t journal_lines(const std::filesystem::path& run);
/// Number of the checkpoint that is being written, or -1.
int64_t being_written(const std::filesystem::path& run);

struct RunBench {
  Scratch scratch;
  std::filesystem::path experiment, runs = scratch.path / "runs", run = runs / "small-1", log = scratch.path / "log";

  explicit RunBench(const std::string& backend = R"({"type": "cpu", "threads": 2})");
  /// The program with these arguments; bringing a file to disk takes `sync_microseconds`.
  std::unique_ptr<Child> start(std::vector<std::string> words, int sync_microseconds = 0) const;
  std::unique_ptr<Child> begin(int sync_microseconds = 0) const;
  int resume() const;
  /// The run that nothing disturbs; it is removed.
  Outcome whole() const;
  /// Resumes to the end and compares; makes room for the next run.
  void hold_to(const Outcome& expected) const;
};

}  // namespace lamina::test
