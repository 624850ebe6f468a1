/// The data set of an experiment: its plugin's columns and its splits.
#pragma once
#include <future>
#include <string>
#include <vector>

#include <lamina/abi.h>

#include "config/experiment.hpp"
#include "graph/recorder.hpp"
#include "program/model.hpp"

namespace lamina {

/// One column as the plugin offers it.
struct DataColumn {
  std::string name;
  graph::TensorType sample;  ///< stored type and shape, without the batch axis
  uint64_t bytes = 0;        ///< of one sample
  uint32_t class_count = 0;  ///< of a target that is a class number
  std::vector<std::string> classes;
};

/// Samples of one of the plugin's splits; `rows` are the plugin's numbers.
struct DataSplit {
  std::string name;
  uint32_t source = 0;
  std::vector<int64_t> rows;
};

/// An open data set. Without one in the experiment: no columns, and one split "train" of a single empty sample.
class Data {
 public:
  /// Opens the plugin and cuts off the validation samples, which depend on nothing but the data's size. ConfigError or
  /// Failure(Exit::experiment) when the files are not what they claim, when a column that the experiment names is not there;
  /// Failure(Exit::plugin) when the plugin's tables contradict themselves.
  explicit Data(const Experiment& experiment);
  ~Data();
  Data(const Data&) = delete;
  Data& operator=(const Data&) = delete;

  const std::vector<DataColumn>& columns() const { return columns_; }
  const DataColumn* column(const std::string& name) const;                   ///< null: there is none
  std::vector<size_t> numbers(const std::vector<std::string>& names) const;  ///< of columns that exist, as a Loader takes them
  program::Columns types() const;
  const std::vector<DataSplit>& splits() const { return splits_; }
  const DataSplit* split(const std::string& name) const;  ///< null: there is none
  const DataSplit& training() const { return *split("train"); }

  /// All samples of the plugin's split, one after the other; null for a column that must be read.
  const void* in_memory(const DataSplit& split, size_t column) const { return sources_[split.source].columns[column].data; }
  /// All columns of all splits that lie in memory, each once: where, and how many bytes. They stay as they are while this lives.
  std::vector<std::pair<const void*, uint64_t>> resident() const;
  /// Decodes samples into `out`, dense. Any thread, several at once. Failure(Exit::experiment) for damaged data.
  void read(const DataSplit& split, size_t column, const int64_t* rows, size_t count, void* out) const;
  /// One number for each sample of the split, of a column whose samples are single numbers.
  std::vector<double> scalars(const DataSplit& split, size_t column) const;
  /// The class numbers of the loss's target, for `who` that stands at `place`: ConfigError where it has none.
  std::vector<double> labels(const DataSplit& split, const Place& place, const std::string& who) const;

  /// SHA-256 over the bytes of all columns that lie in memory, computed beside the first steps; "" while it is not done, unless waited for.
  std::string sha256(bool wait);

 private:
  struct Source {  // a split as the plugin has it
    uint64_t samples;
    std::vector<lamina_column> columns;
  };
  void take(const lamina_split& split);
  void close();
  void hold_back_validation();
  void weigh_classes();
  void cut_splits();
  std::vector<std::pair<const void*, uint64_t>> in_memory(size_t columns) const;
  std::string hash() const;

  const Experiment& experiment_;
  lamina_dataset table_{};
  void* object_ = nullptr;
  std::string where_, file_, words_;  ///< of the plugin, for errors and crashes
  std::vector<Source> sources_;
  std::vector<DataColumn> columns_;
  std::vector<DataSplit> splits_;
  size_t read_columns_ = 0;                        ///< the plugin's, which come before others
  std::vector<std::vector<float>> class_weights_;  ///< of each source's samples; may be none
  std::shared_future<std::string> hash_;
};

}  // namespace lamina
