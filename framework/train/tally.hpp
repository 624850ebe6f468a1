/// What the batches of an evaluation add up to.
#pragma once
#include <map>
#include <string>
#include <vector>

#include <lamina/abi_backend.h>

#include "record/snapshot.hpp"
#include "train/data.hpp"

namespace lamina {

struct Tally {
  std::map<std::string, double> losses;             ///< over samples, each counted once, by the output's name
  std::map<std::string, std::vector<double>> sums;  ///< partial sums of metrics, by the output's name
  std::vector<int32_t> predicted;                   ///< largest score per sample; the first of equal ones
  std::vector<int32_t> labels;

  /// One output of a batch. Scores of classes ("prediction", [batch, classes]) are looked at when `classifies`.
  void take(const std::string& name, const graph::TensorType& type, const char* data, size_t samples, bool classifies);
  /// Class numbers of a batch, from where the program was fed them.
  void take_labels(DType dtype, const lamina_feed& feed, size_t samples);
  /// All partial sums of one metric, result after result.
  std::vector<double> sums_of(const std::string& metric) const;
  /// Confusion matrix and predictions. Labels that name no class are listed, not counted.
  void confusion(const DataSplit& split, const DataColumn& target, Evaluation& record) const;
};

}  // namespace lamina
