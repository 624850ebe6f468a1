#include "support/small_run.hpp"

#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include <lamina/philox.hpp>

#include "record/hdf5.hpp"
#include "train/run_folder.hpp"

namespace lamina::test {
namespace fs = std::filesystem;
namespace {

fs::path make_scratch() {
  for (const fs::path& root : {fs::path("/dev/shm"), fs::temp_directory_path()}) {
    std::string name = (root / "lamina-test-XXXXXX").string();
    if (mkdtemp(name.data())) return name;
  }
  throw std::runtime_error("no place for temporary files");
}

bool is_time(const std::string& name) {
  return name == "wall_time" || name == "seconds" || name == "samples_per_second" || name == "epoch_seconds";
}

bool same_bits(const Column& a, const Column& b) {
  if (a.name != b.name || a.real != b.real || a.integers != b.integers || a.reals.size() != b.reals.size()) return false;
  return a.reals.empty() || !std::memcmp(a.reals.data(), b.reals.data(), a.reals.size() * sizeof(double));
}

}  // namespace

Scratch::Scratch() : path(make_scratch()) {}
Scratch::~Scratch() {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

void write_small_data(const fs::path& file) {
  H5Writer out(file);
  uint64_t split = 0;
  for (auto [name, samples] : {std::pair("train", 75), std::pair("validation", 13), std::pair("test", 11)}) {
    const RandomStream stream = RandomStream::of(5, ++split, 0, 0);
    std::vector<float> input(size_t(samples) * 100);
    std::vector<uint8_t> target(static_cast<size_t>(samples));
    for (size_t i = 0; i < target.size(); ++i) target[i] = uint8_t(i * 7 % 3);
    for (size_t i = 0; i < input.size(); ++i) input[i] = float(stream.word(i) >> 8) / float(1 << 23) - 1 + 0.4f * float(target[i / 100]);
    out.write(std::string(name) + "/input", DType::float32, {samples, 1, 10, 10}, input.data());
    out.write(std::string(name) + "/target", DType::uint8, {samples}, target.data());
  }
  out.commit();
}

fs::path write_small_experiment(const fs::path& folder, const std::string& backend) {
  write_small_data(folder / "data.h5");
  const fs::path file = folder / "small.json";
  std::ofstream(file) << R"({
  "name": "small", "seed": 7,
  "dataset": {"type": "hdf5", "path": "data.h5", "validation_input": "validation/input", "validation_target": "validation/target",
              "test_input": "test/input", "test_target": "test/target"},
  "network": {"layers": [
    {"type": "conv", "name": "c1", "filters": 4, "kernel": 3}, {"type": "batch_norm"}, {"type": "relu"},
    {"type": "max_pool", "size": 2, "stride": 2}, {"type": "flatten"}, {"type": "dropout"}, {"type": "dense", "name": "logits", "units": 3}]},
  "loss": {"type": "cross_entropy"}, "metrics": ["accuracy"],
  "optimizer": {"type": "adam", "learning_rate": 0.01}, "schedule": {"type": "cosine"},
  "training": {"epochs": 4, "batch_size": 8},
  "backend": )" << backend
                      << R"(,
  "checkpoint": {"every_steps": 3, "keep": 2}
})";
  return file;
}

Outcome outcome(const fs::path& run) {
  std::vector<std::string> damaged;
  const auto checkpoint = RunFolder::look(run).newest(damaged);
  if (!checkpoint) throw std::runtime_error(run.string() + ": it has no checkpoint");
  Outcome o;
  o.tensors = checkpoint->tensors, o.state = checkpoint->state;
  std::erase_if(o.state, [](auto& entry) { return is_time(entry.first); });
  o.step = std::get<int64_t>(o.state.at("step"));
  for (auto& [kind, rows] : read_journal(run / "metrics.jsonl"))
    for (auto& column : rows.columns)
      if (!is_time(column.name)) o.journal[kind].push_back(column);
  return o;
}

std::string difference(const Outcome& a, const Outcome& b) {
  if (a.step != b.step) return "steps: " + std::to_string(a.step) + " and " + std::to_string(b.step);
  if (a.state != b.state) return "the state of the last checkpoint";
  if (a.tensors.size() != b.tensors.size()) return "the number of tensors";
  for (size_t i = 0; i < a.tensors.size(); ++i)
    if (a.tensors[i] != b.tensors[i]) return a.tensors[i].name;
  if (a.journal.size() != b.journal.size()) return "the kinds of rows";
  for (auto& [kind, columns] : a.journal) {
    const auto& others = b.journal.at(kind);
    if (columns.size() != others.size()) return "the columns of " + kind;
    for (size_t i = 0; i < columns.size(); ++i)
      if (!same_bits(columns[i], others[i])) return "the journal's column " + kind + "/" + columns[i].name;
  }
  return "";
}

}  // namespace lamina::test
