#include "train/data.hpp"

#include <algorithm>
#include <numeric>

#include <lamina/philox.hpp>

#include "base/failure.hpp"
#include "base/sha256.hpp"
#include "program/session.hpp"

namespace lamina {
namespace {

/// Numbers below `bound`, without bias, from one Philox stream.
class Draw {
 public:
  Draw(uint64_t seed, const char* name, uint64_t step) : stream_(RandomStream::of(seed, stream_key(name), step, 0)) {}
  uint64_t below(uint64_t bound) {
    const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t v;
    do {
      const PhiloxBlock b = stream_.block(next_++);
      v = uint64_t(b[0]) << 32 | b[1];
    } while (v >= limit);
    return v % bound;
  }

 private:
  RandomStream stream_;
  uint64_t next_ = 0;
};
std::vector<int64_t> permuted(std::vector<int64_t> rows, Draw draw) {
  for (size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[draw.below(i)]);
  return rows;
}
template <class T> std::vector<T> own_list(const T* list, uint32_t count) {
  std::vector<T> own;
  const char* at = reinterpret_cast<const char*>(list);
  for (uint32_t i = 0; i < count; ++i) {
    own.push_back(copy_sized<T>(at));
    at += own.back().size;
  }
  return own;
}

}  // namespace

std::vector<int64_t> epoch_order(const std::vector<int64_t>& rows, uint64_t seed, int64_t epoch, bool shuffle) {
  return shuffle ? permuted(rows, Draw(seed, "sample order", uint64_t(epoch))) : rows;
}

Data::Data(const Experiment& experiment) : experiment_(experiment) {
  if (!experiment.dataset) {
    splits_.push_back({"train", 0, {0}});
    return;
  }
  const PluginConfig& config = *experiment.dataset;
  table_ = copy_sized<lamina_dataset>(config.plugin->table);
  if (!table_.open || !table_.splits || !table_.close) throw Failure(Exit::plugin, config.plugin->file + ": the dataset's table lacks functions");
  scope_.where = "dataset '" + config.plugin->name + "'";
  auto check = [&](lamina_status status) {
    if (!status) return;
    try {
      scope_.raise();
    } catch (const std::exception& e) {
      throw ConfigError({Fault{config.place, e.what()}});
    }
  };
  const auto settings = program::views(config.settings);
  check(table_.open(&graph::host_table(), &scope_, settings.data(), uint32_t(settings.size()), &object_));
  const lamina_split* splits = nullptr;
  uint32_t count = 0;
  if (table_.splits(object_, &splits, &count) || !count) throw Failure(Exit::experiment, scope_.where + ": it has no samples");
  for (auto& s : own_list(splits, count)) {
    DataSplit split{s.name, uint32_t(stored_.size()), std::vector<int64_t>(size_t(s.samples))};
    std::iota(split.rows.begin(), split.rows.end(), 0);
    splits_.push_back(std::move(split));
    stored_.push_back(own_list(s.columns, s.column_count));
    std::vector<DataColumn> columns;
    for (auto& c : stored_.back()) {
      DataColumn column{c.name, {DType(c.sample.dtype), Shape(c.sample.dims, c.sample.dims + std::min<uint32_t>(c.sample.rank, LAMINA_MAX_RANK))}, size_of(DType(c.sample.dtype)), c.class_count, {}};
      for (auto d : column.sample.shape)
        if (d < 1 || __builtin_mul_overflow(column.bytes, uint64_t(d), &column.bytes)) throw Failure(Exit::plugin, scope_.where + ": column '" + column.name + "' has the shape " + piece(column.sample.shape));
      if (c.classes)
        for (uint32_t i = 0; i < c.class_count; ++i) column.classes.emplace_back(c.classes[i]);
      if (!c.data && !table_.read) throw Failure(Exit::plugin, scope_.where + ": column '" + column.name + "' has no data and cannot be read");
      columns.push_back(std::move(column));
    }
    if (columns_.empty()) columns_ = columns;
  }
  if (!split("train")) throw Failure(Exit::experiment, scope_.where + ": it has no split \"train\"");
  std::vector<std::string> names;
  for (auto& c : columns_) names.push_back(c.name);
  check_columns(experiment, names);

  DataSplit& train = *std::find_if(splits_.begin(), splits_.end(), [](auto& s) { return s.name == "train"; });
  int64_t held_back = experiment.validation.samples.value_or(0);
  if (experiment.validation.fraction) held_back = std::llround(*experiment.validation.fraction * double(train.rows.size()));
  if (held_back) {
    if (split("validation")) throw Failure(Exit::experiment, scope_.where + ": it has validation samples of its own; leave out /dataset/validation");
    if (held_back < 1 || held_back >= int64_t(train.rows.size()))
      throw Failure(Exit::experiment, "/dataset/validation: " + std::to_string(held_back) + " of " + std::to_string(train.rows.size()) + " training samples leave nothing to train or to validate on");
    // The same samples for every seed, so that runs with other seeds stay comparable.
    std::vector<int64_t> mixed = permuted(train.rows, Draw(0, "validation split", 0));
    DataSplit validation{"validation", train.source, {mixed.begin(), mixed.begin() + held_back}};
    train.rows.assign(mixed.begin() + held_back, mixed.end());
    std::sort(validation.rows.begin(), validation.rows.end());
    std::sort(train.rows.begin(), train.rows.end());
    splits_.push_back(std::move(validation));
  }
}
Data::~Data() {
  if (hash_.valid()) hash_.wait();
  if (object_) table_.close(object_);
}
const DataColumn* Data::column(const std::string& name) const {
  for (auto& c : columns_)
    if (c.name == name) return &c;
  return nullptr;
}
program::Columns Data::types() const {
  program::Columns types;
  for (auto& c : columns_) types[c.name] = c.sample;
  return types;
}
const DataSplit* Data::split(const std::string& name) const {
  for (auto& s : splits_)
    if (s.name == name) return &s;
  return nullptr;
}

const lamina_feed* Data::feeds(const DataSplit& split, const std::vector<std::string>& names, const int64_t* rows, size_t count) {
  feeds_.clear();
  turn_ = 1 - turn_;
  for (auto& name : names) {
    const size_t number = size_t(column(name) - columns_.data());
    const lamina_column& from = stored_[split.source][number];
    const uint64_t bytes = columns_[number].bytes;
    if (from.data) {
      feeds_.push_back({from.data, rows, int64_t(bytes)});
      continue;
    }
    std::vector<char>& buffer = decoded_[turn_][name];
    buffer.resize(bytes * count);
    if (table_.read(&graph::host_table(), &scope_, object_, split.source, uint32_t(number), rows, uint32_t(count), buffer.data())) {
      try {
        scope_.raise();
      } catch (const std::exception& e) {
        throw Failure(Exit::experiment, e.what());
      }
    }
    feeds_.push_back({buffer.data(), nullptr, int64_t(bytes)});
  }
  return feeds_.data();
}

std::string Data::hash() const {
  Sha256 sha;
  for (auto& split : splits_) {
    if (split.name == "validation" && split.source == training().source) continue;  // part of another
    for (size_t c = 0; c < columns_.size(); ++c) {
      const lamina_column& from = stored_[split.source][c];
      uint64_t samples = split.rows.size();
      if (split.name == "train" && this->split("validation") && this->split("validation")->source == split.source) samples += this->split("validation")->rows.size();
      if (from.data) sha.update(from.data, samples * columns_[c].bytes);
    }
  }
  return sha.hex();
}
std::string Data::sha256() {
  if (!object_) return "";
  if (!hash_.valid()) hash_ = std::async(std::launch::async, [this] { return hash(); }).share();
  return hash_.wait_for(std::chrono::seconds(0)) == std::future_status::ready ? hash_.get() : "";
}

}  // namespace lamina
