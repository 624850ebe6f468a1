#include "train/order.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <lamina/philox.hpp>

#include "base/nearest.hpp"
#include "base/text.hpp"

namespace lamina {
namespace {

/// Numbers from one Philox stream.
class Draw {
 public:
  Draw(uint64_t seed, const char* name, uint64_t number) : stream_(RandomStream::of(seed, stream_key(name), number, 0)) {}
  /// Below `bound`, without bias.
  uint64_t below(uint64_t bound) {
    const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t v;
    do v = next();
    while (v >= limit);
    return v % bound;
  }
  /// In [0, 1), with 53 bits.
  double uniform() { return double(next() >> 11) * 0x1p-53; }

 private:
  uint64_t next() {
    const PhiloxBlock b = stream_.block(next_++);
    return uint64_t(b[0]) << 32 | b[1];
  }
  RandomStream stream_;
  uint64_t next_ = 0;
};

}  // namespace

std::vector<int64_t> permuted(std::vector<int64_t> rows, uint64_t seed, const char* stream, uint64_t number) {
  Draw draw(seed, stream, number);
  for (size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[draw.below(i)]);
  return rows;
}

std::vector<int64_t> epoch_order(const std::vector<int64_t>& rows, uint64_t seed, int64_t epoch, bool shuffle) {
  return shuffle ? permuted(rows, seed, "sample order", uint64_t(epoch)) : rows;
}

std::vector<int64_t> drawn_order(const std::vector<int64_t>& rows, const std::vector<double>& cumulative, uint64_t seed, int64_t epoch) {
  Draw draw(seed, "weighted sampling", uint64_t(epoch));
  std::vector<int64_t> order(rows.size());
  for (auto& row : order) {
    // Above it: so a weight of 0 is never met. Rounding may reach the sum itself, which is no sample's.
    const auto at = std::upper_bound(cumulative.begin(), cumulative.end(), draw.uniform() * cumulative.back());
    row = rows[size_t(std::min(at, std::lower_bound(cumulative.begin(), cumulative.end(), cumulative.back())) - cumulative.begin())];
  }
  return order;
}

std::vector<double> balanced_weights(const std::vector<double>& labels) {
  std::map<double, double> counts;
  for (double label : labels) ++counts[label];
  std::vector<double> weights;
  for (double label : labels) weights.push_back(double(labels.size()) / (double(counts.size()) * counts[label]));
  return weights;
}

SampleOrder::SampleOrder(const Experiment& experiment, const Data& data)
    : rows_(data.training().rows), seed_(uint64_t(experiment.seed)), shuffle_(experiment.training.shuffle) {
  const TrainingConfig& training = experiment.training;
  if (training.overfit_batches) shuffle_ = false;
  if (!training.sampling || training.overfit_batches) return;
  const auto refuse = [&](const std::string& sentence) { throw ConfigError({Fault{training.sampling->place, sentence}}); };
  const std::string& name = training.sampling->column;
  std::vector<double> weights;
  if (name.empty()) {
    weights = balanced_weights(data.labels(data.training(), training.sampling->place, "\"balanced\""));
  } else {
    std::vector<std::string> names;
    for (auto& c : data.columns()) names.push_back(c.name);
    const DataColumn* column = data.column(name);
    if (!column) refuse("the dataset has no column " + in_quotes(name) + suggestion(name, names));
    if (!column->sample.shape.empty())
      refuse("the column " + in_quotes(name) + " has no single number per sample, but the shape " + piece(column->sample.shape));
    weights = data.scalars(data.training(), size_t(column - data.columns().data()));
  }
  double sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (!(weights[i] >= 0) || !std::isfinite(weights[i]))
      refuse("the weight of sample " + std::to_string(rows_[i]) + " is " + piece(weights[i]) + "; wanted a number that is at least 0");
    cumulative_.push_back(sum += weights[i]);
  }
  if (!(sum > 0) || !std::isfinite(sum)) refuse("the sum of all weights is " + piece(sum) + "; wanted a number above 0");
}

std::vector<int64_t> SampleOrder::epoch(int64_t number) const {
  return cumulative_.empty() ? epoch_order(rows_, seed_, number, shuffle_) : drawn_order(rows_, cumulative_, seed_, number);
}

}  // namespace lamina
