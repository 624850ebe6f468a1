#include "train/data.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include <lamina/philox.hpp>

#include "base/failure.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"
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

/// The column as the host keeps it, or nothing where its description is impossible.
std::optional<DataColumn> described(const lamina_column& c) {
  if (!c.name || c.sample.rank >= LAMINA_MAX_RANK || !size_of(DType(c.sample.dtype))) return std::nullopt;
  const DType dtype = DType(c.sample.dtype);
  DataColumn column{c.name, {dtype, Shape(c.sample.dims, c.sample.dims + c.sample.rank)}, size_of(dtype), c.class_count, {}};
  for (int64_t d : column.sample.shape)
    if (d < 1 || __builtin_mul_overflow(column.bytes, uint64_t(d), &column.bytes)) return std::nullopt;
  if (c.classes)
    for (uint32_t i = 0; i < c.class_count; ++i) column.classes.emplace_back(c.classes[i] ? c.classes[i] : "");
  return column;
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
  where_ = "dataset '" + config.plugin->name + "'";
  table_ = copy_sized<lamina_dataset>(config.plugin->table);
  if (!table_.open || !table_.splits || !table_.close)
    throw Failure(Exit::plugin, config.plugin->file + ": the dataset's table lacks functions");
  file_ = config.plugin->file;
  lamina_scope scope;
  scope.where = where_, scope.file = file_;
  words_ = scope.in_words();
  const auto settings = program::views(config.settings);
  if (graph::call_plugin(scope, [&](auto* host, auto* handle) {
        return table_.open(host, handle, settings.data(), uint32_t(settings.size()), &object_);
      })) {
    try {
      scope.raise();
    } catch (const std::exception& e) {
      throw ConfigError({Fault{config.place, e.what()}});
    }
  }
  try {
    const lamina_split* splits = nullptr;
    uint32_t count = 0;
    if (graph::call_plugin(scope, [&](auto*, auto*) { return table_.splits(object_, &splits, &count); }) || !splits || !count)
      throw Failure(Exit::experiment, where_ + ": it has no samples");
    for (auto& s : border::list_sized(splits, count)) take(s);
    if (!split("train")) throw Failure(Exit::experiment, where_ + ": it has no split \"train\"");
    std::vector<std::string> names;
    for (auto& c : columns_) names.push_back(c.name);
    check_columns(experiment, names);
    hold_back_validation();
  } catch (...) {  // the destructor does not run
    close();
    throw;
  }
}

void Data::take(const lamina_split& s) {
  const std::string name = s.name ? s.name : "";
  const auto refuse = [&](const std::string& sentence) {
    throw Failure(Exit::plugin, where_ + ": split \"" + name + "\" " + sentence + " (plugin " + in_quotes(file_, 400) + ")");
  };
  if (split(name)) refuse("is there twice");
  if (s.samples < 1 || s.samples > INT64_MAX / 8) refuse("has " + std::to_string(s.samples) + " samples");
  Source source{uint64_t(s.samples), border::list_sized(s.columns, s.column_count)};
  std::vector<DataColumn> columns;
  for (auto& c : source.columns) {
    std::optional<DataColumn> column = described(c);
    if (!column) refuse("has a column \"" + std::string(c.name ? c.name : "") + "\" whose type or shape is impossible");
    if (!c.data && !table_.read) refuse("has a column \"" + column->name + "\" that is not in memory and cannot be read");
    columns.push_back(std::move(*column));
  }
  if (sources_.empty()) columns_ = columns;
  const auto same = [](const DataColumn& a, const DataColumn& b) { return a.name == b.name && a.sample == b.sample; };
  if (!std::equal(columns.begin(), columns.end(), columns_.begin(), columns_.end(), same))
    refuse("has other columns than \"" + splits_[0].name + "\"");
  DataSplit own{name, uint32_t(sources_.size()), std::vector<int64_t>(size_t(s.samples))};
  std::iota(own.rows.begin(), own.rows.end(), 0);
  splits_.push_back(std::move(own));
  sources_.push_back(std::move(source));
}

void Data::hold_back_validation() {
  const ValidationConfig& wanted = experiment_.validation;
  if (!wanted.fraction && !wanted.samples) return;
  DataSplit& train = *std::find_if(splits_.begin(), splits_.end(), [](auto& s) { return s.name == "train"; });
  const int64_t samples = int64_t(train.rows.size());
  const int64_t held_back = wanted.samples ? *wanted.samples : std::llround(*wanted.fraction * double(samples));
  if (split("validation"))
    throw Failure(Exit::experiment, where_ + ": it has validation samples of its own; leave out /dataset/validation");
  if (held_back < 1 || held_back >= samples)
    throw Failure(Exit::experiment, "/dataset/validation: " + std::to_string(held_back) + " of " + std::to_string(samples) +
                                        " training samples leave nothing to train or to validate on");
  // The same samples for every seed, so that runs with other seeds stay comparable.
  const std::vector<int64_t> mixed = permuted(train.rows, Draw(0, "validation split", 0));
  DataSplit validation{"validation", train.source, {mixed.begin(), mixed.begin() + held_back}};
  train.rows.assign(mixed.begin() + held_back, mixed.end());
  std::sort(validation.rows.begin(), validation.rows.end());
  std::sort(train.rows.begin(), train.rows.end());
  splits_.push_back(std::move(validation));
}

Data::~Data() {
  if (hash_.valid()) hash_.wait();
  if (object_) close();
}

void Data::close() {
  const Running mark(words_.c_str());
  table_.close(object_);
}

const DataColumn* Data::column(const std::string& name) const {
  for (auto& c : columns_)
    if (c.name == name) return &c;
  return nullptr;
}

std::vector<size_t> Data::numbers(const std::vector<std::string>& names) const {
  std::vector<size_t> numbers;
  for (auto& name : names) numbers.push_back(size_t(column(name) - columns_.data()));
  return numbers;
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

void Data::read(const DataSplit& split, size_t column, const int64_t* rows, size_t count, void* out) const {
  lamina_scope scope;
  scope.where = where_ + ", column \"" + columns_[column].name + "\" of split \"" + split.name + "\"";
  scope.file = file_;
  if (!graph::call_plugin(scope, [&](auto* host, auto* handle) {
        return table_.read(host, handle, object_, split.source, uint32_t(column), rows, uint32_t(count), out);
      }))
    return;
  try {
    scope.raise();
  } catch (const std::exception& e) {
    throw Failure(Exit::experiment, e.what());
  }
}

std::vector<std::pair<const void*, uint64_t>> Data::resident() const {
  std::vector<std::pair<const void*, uint64_t>> all;
  for (auto& source : sources_)
    for (size_t c = 0; c < columns_.size(); ++c)
      if (source.columns[c].data) all.emplace_back(source.columns[c].data, source.samples * columns_[c].bytes);
  return all;
}

std::string Data::hash() const {
  Sha256 sha;
  for (auto& [base, bytes] : resident()) sha.update(base, bytes);
  return sha.hex();
}

std::string Data::sha256(bool wait) {
  if (!object_) return "";
  if (!hash_.valid()) hash_ = std::async(std::launch::async, [this] { return hash(); }).share();
  return wait || hash_.wait_for(std::chrono::seconds(0)) == std::future_status::ready ? hash_.get() : "";
}

}  // namespace lamina
