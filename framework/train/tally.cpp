#include "train/tally.hpp"

#include <cstring>

#include "base/shape.hpp"

namespace lamina {
namespace {

template <class T>
double element(const char* at) {
  T v;
  std::memcpy(&v, at, sizeof v);
  return double(v);
}

/// Elements of an output, whatever their type.
struct Numbers {
  DType dtype;
  const char* data;
  double operator[](size_t i) const {
    const char* at = data + i * size_of(dtype);
    switch (dtype) {
      case DType::float64:
        return element<double>(at);
      case DType::float32:
        return element<float>(at);
      case DType::int32:
        return element<int32_t>(at);
      case DType::uint32:
        return element<uint32_t>(at);
      default:
        return element<uint8_t>(at);
    }
  }
};

}  // namespace

void Tally::take(const std::string& name, const graph::TensorType& type, const char* data, size_t samples, bool classifies) {
  const Numbers values{type.dtype, data};
  if (name == "loss" || name.starts_with("loss/")) {
    losses[name] += values[0] * double(samples);
  } else if (name == "prediction") {
    if (!classifies || type.shape.size() != 2 || size_t(type.shape[0]) != samples) return;
    const size_t classes = size_t(type.shape[1]);
    for (size_t row = 0; row < samples; ++row) {
      size_t best = 0;
      for (size_t c = 1; c < classes; ++c)
        if (values[row * classes + c] > values[row * classes + best]) best = c;
      predicted.push_back(int32_t(best));
    }
  } else {
    auto& s = sums[name];
    s.resize(size_t(checked_count(type.shape)), 0);
    for (size_t i = 0; i < s.size(); ++i) s[i] += values[i];
  }
}

void Tally::take_labels(DType dtype, const lamina_feed& feed, size_t samples) {
  for (size_t i = 0; i < samples; ++i) {
    const int64_t row = feed.rows ? feed.rows[i] : int64_t(i);
    labels.push_back(int32_t(Numbers{dtype, static_cast<const char*>(feed.base) + row * feed.row_bytes}[0]));
  }
}

std::vector<double> Tally::sums_of(const std::string& metric) const {
  std::vector<double> all;
  for (int i = 0;; ++i) {
    auto it = sums.find("metric/" + metric + "/" + std::to_string(i));
    if (it == sums.end()) return all;
    all.insert(all.end(), it->second.begin(), it->second.end());
  }
}

void Tally::confusion(const DataSplit& split, const DataColumn& target, Evaluation& record) const {
  const size_t classes = target.class_count;
  record.counts.assign(classes * classes, 0);
  record.classes = target.classes;
  for (size_t c = record.classes.size(); c < classes; ++c) record.classes.push_back(std::to_string(c));
  record.sample = split.rows, record.label = labels, record.predicted = predicted;
  for (size_t i = 0; i < predicted.size(); ++i)
    if (labels[i] >= 0 && size_t(labels[i]) < classes && size_t(predicted[i]) < classes)
      ++record.counts[size_t(labels[i]) * classes + size_t(predicted[i])];
}

}  // namespace lamina
