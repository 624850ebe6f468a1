/// The data set of an experiment: its plugin's columns, its splits, the order of samples.
#pragma once
#include <future>
#include <map>
#include <optional>
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
  /// Opens the plugin and cuts off the validation samples, which depend on nothing but the data's size. Failure(Exit::experiment) when the
  /// files are not what they claim, when splits differ or a column that the experiment names is not there.
  explicit Data(const Experiment& experiment);
  ~Data();
  Data(const Data&) = delete;
  Data& operator=(const Data&) = delete;

  const std::vector<DataColumn>& columns() const { return columns_; }
  const DataColumn* column(const std::string& name) const;
  program::Columns types() const;
  const DataSplit* split(const std::string& name) const;
  const DataSplit& training() const { return *split("train"); }

  /// Where a program's inputs come from for `rows` of a split: columns in memory are gathered by the backend itself, others are decoded
  /// into a buffer of this object, which is reused two calls later. The feeds are valid as long as `rows`.
  const lamina_feed* feeds(const DataSplit& split, const std::vector<std::string>& columns, const int64_t* rows, size_t count);

  /// SHA-256 over the bytes of all columns that lie in memory, computed beside the first steps.
  std::string sha256();

 private:
  const lamina_column& stored(uint32_t split, size_t column) const;
  std::string hash() const;

  const Experiment& experiment_;
  lamina_dataset table_{};
  void* object_ = nullptr;
  lamina_scope scope_;
  std::vector<std::vector<lamina_column>> stored_;  ///< [split][column]
  std::vector<DataColumn> columns_;
  std::vector<DataSplit> splits_;
  std::vector<lamina_feed> feeds_;
  std::map<std::string, std::vector<char>> decoded_[2];
  int turn_ = 0;
  std::shared_future<std::string> hash_;
};

/// The order of `count` samples in one epoch: a permutation that depends on seed and epoch alone (Fisher & Yates, Philox).
std::vector<int64_t> epoch_order(const std::vector<int64_t>& rows, uint64_t seed, int64_t epoch, bool shuffle);

}  // namespace lamina
