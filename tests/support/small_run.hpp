/// A small experiment on data that the test writes, and what is compared of its runs.
#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "record/checkpoint.hpp"
#include "record/journal.hpp"

namespace lamina::test {

/// A folder of its own, in memory where the system has such a place; removed at the end.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::filesystem::path path;
};

/// 75 training, 13 validation and 11 test samples [1, 10, 10] of three classes.
void write_small_data(const std::filesystem::path& file);

/// conv, batch_norm, relu, max_pool, dropout, dense with adam and a cosine: 4 epochs of 10 steps, the last of 3 samples; a checkpoint every
/// 3 steps. Written to folder/small.json, with its data beside.
std::filesystem::path write_small_experiment(const std::filesystem::path& folder,
                                             const std::string& backend = R"({"type": "cpu", "threads": 2})");

/// All that must be equal of two runs: the last checkpoint's tensors and state, and the journal, without the columns of time.
struct Outcome {
  int64_t step = 0;
  std::vector<NamedArray> tensors;
  std::map<std::string, StateValue> state;
  std::map<std::string, std::vector<Column>> journal;  ///< by kind
};
Outcome outcome(const std::filesystem::path& run);
/// "" when they are equal bit for bit, else what differs first.
std::string difference(const Outcome& a, const Outcome& b);

}  // namespace lamina::test
