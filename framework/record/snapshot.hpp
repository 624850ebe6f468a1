/// run.h5: all that is needed to read, compare and repeat a run, written whole whenever it is written.
#pragma once
#include "record/array.hpp"
#include "record/journal.hpp"

#include <filesystem>
#include <optional>

namespace lamina {

struct PluginRecord {
  std::string name, version, sha256;
};

struct LayerRecord {
  std::string name, type;
  Shape output_shape;      // [batch, channels, …]
  int64_t parameters = 0;  // elements
};

/// The result on one split of the data. A classifier fills the lists, others leave them empty.
struct Evaluation {
  std::string split;                 // "validation", "test"
  FileAttributes attributes;         // loss, accuracy, …
  std::vector<std::string> classes;  // [classes]
  std::vector<int64_t> counts;       // [true class, predicted class], row-major
  std::vector<int64_t> sample;       // [samples]: index in the split
  std::vector<int32_t> label;        // [samples]
  std::vector<int32_t> predicted;    // [samples]
  std::optional<Array> probability;  // [samples, classes]
};

/// The time of a training step, measured over `steps` steps from `first_step` on: seconds per step.
struct ProfileRecord {
  int64_t first_step = 0, steps = 0;
  std::vector<std::string> op, op_layer;  // [ops], in the order they run
  std::vector<double> op_seconds;
  std::vector<std::string> layer;  // [layers]: "c1", also "loss", "optimizer", …; in the order they first run
  std::vector<double> layer_seconds;
};

/// Tensors that a run recorded of some of its steps.
struct RecordedSteps {
  std::vector<int64_t> steps;       // [steps], counted from 1
  std::vector<NamedArray> tensors;  // "weights/c1/weight" [steps, …]; what a smaller last batch lacks is NaN, 0 of integers
};

struct Snapshot {
  std::string source, resolved;        // experiment.json as given, and with every default filled in
  std::vector<std::string> overrides;  // "path=value"
  FileAttributes provenance;           // version, backend, device, seeds, started, status, …
  std::vector<PluginRecord> plugins;
  const JournalRows* metrics = nullptr;  // the journal's rows, borrowed for the call: metrics/step, metrics/epoch
  std::vector<LayerRecord> layers;
  std::vector<Evaluation> evaluations;
  std::vector<NamedArray> arrays;  // anything else by full path: explain/…, recorded tensors
  std::optional<ProfileRecord> profile = {};
  RecordedSteps recorded = {};
};

/// Writes the file atomically. FileError when it cannot be written, or when lists that belong together differ in length.
void write_snapshot(const std::filesystem::path& path, const Snapshot& snapshot);

}  // namespace lamina
