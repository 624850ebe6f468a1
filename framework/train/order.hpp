/// Which samples come when: pure functions of seed and epoch.
#pragma once
#include <vector>

#include "train/data.hpp"

namespace lamina {

/// `rows` mixed (Fisher & Yates, Philox): a function of seed, stream and number alone.
std::vector<int64_t> permuted(std::vector<int64_t> rows, uint64_t seed, const char* stream, uint64_t number);

/// The order of samples in one epoch: a permutation that depends on seed and epoch alone.
std::vector<int64_t> epoch_order(const std::vector<int64_t>& rows, uint64_t seed, int64_t epoch, bool shuffle);

/// As many rows as there are, drawn with replacement: row i with probability w_i / Σ w. `cumulative`: w_0, w_0 + w_1, …
std::vector<int64_t> drawn_order(const std::vector<int64_t>& rows, const std::vector<double>& cumulative, uint64_t seed, int64_t epoch);

/// For each class number among `labels`, samples / (classes · samples of the class), so that all classes count alike.
std::vector<double> balanced_weights(const std::vector<double>& labels);

/// The order of an experiment's training samples.
class SampleOrder {
 public:
  /// ConfigError for weights that are none; Failure(Exit::experiment) for data that cannot be decoded. The data must stay.
  SampleOrder(const Experiment& experiment, const Data& data);
  std::vector<int64_t> epoch(int64_t number) const;

 private:
  const std::vector<int64_t>& rows_;
  uint64_t seed_;
  bool shuffle_;
  std::vector<double> cumulative_;  ///< of weights; empty: each sample once
};

}  // namespace lamina
