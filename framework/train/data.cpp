#include "train/data.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>

#include "base/failure.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"
#include "program/session.hpp"
#include "train/order.hpp"
#include "train/widen.hpp"

namespace lamina {
namespace {

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
    if (experiment.class_weights) names.push_back(class_weight);
    check_columns(experiment, names);
    hold_back_validation();
    weigh_classes();
    cut_splits();
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
  if (!wanted.any()) return;
  DataSplit& train = *std::find_if(splits_.begin(), splits_.end(), [](auto& s) { return s.name == "train"; });
  const int64_t samples = int64_t(train.rows.size());
  const int64_t held_back = wanted.folds     ? samples / *wanted.folds
                            : wanted.samples ? *wanted.samples
                                             : std::llround(*wanted.fraction * double(samples));
  if (split("validation"))
    throw Failure(Exit::experiment, where_ + ": it has validation samples of its own; leave out /dataset/validation");
  if (held_back < 1 || held_back >= samples)
    throw Failure(Exit::experiment, "/dataset/validation: " + std::to_string(held_back) + " of " + std::to_string(samples) +
                                        " training samples leave nothing to train or to validate on");
  // The same samples for every seed, so that runs with other seeds stay comparable.
  std::vector<int64_t> mixed = permuted(train.rows, 0, "validation split", 0);
  if (wanted.stratified) {  // class by class, so that samples at even distances have each class in its share
    const std::vector<double> labels = this->labels(train, wanted.place, "\"stratified\"");
    std::stable_sort(mixed.begin(), mixed.end(), [&](int64_t a, int64_t b) { return labels[size_t(a)] < labels[size_t(b)]; });
  }
  const auto held = [&](int64_t place) {
    if (wanted.folds) return place % *wanted.folds == wanted.fold - 1;
    if (!wanted.stratified) return place < held_back;
    const auto before = [&](int64_t n) { return __int128(n) * held_back / samples; };
    return before(place + 1) > before(place);
  };
  DataSplit validation{"validation", train.source, {}};
  train.rows.clear();
  for (int64_t i = 0; i < samples; ++i) (held(i) ? validation : train).rows.push_back(mixed[size_t(i)]);
  std::sort(validation.rows.begin(), validation.rows.end());
  std::sort(train.rows.begin(), train.rows.end());
  splits_.push_back(std::move(validation));
}

/// The column of experiment.class_weights, by the counts of the training samples; a class that they lack counts 1.
void Data::weigh_classes() {
  read_columns_ = columns_.size();
  if (!experiment_.class_weights) return;
  if (column(class_weight))
    throw Failure(Exit::experiment, where_ + ": it has a column \"" + class_weight + "\" of its own; leave out /dataset/class_weights");
  const Place& place = experiment_.dataset->place;
  const std::vector<double> trained = labels(training(), place, "\"class_weights\""), weights = balanced_weights(trained);
  std::map<double, double> of_class;
  for (size_t i = 0; i < trained.size(); ++i) of_class[trained[i]] = weights[i];
  columns_.push_back({class_weight, {DType::float32, {}}, sizeof(float), 0, {}});
  for (size_t s = 0; s < sources_.size(); ++s) {
    DataSplit whole{class_weight, uint32_t(s), std::vector<int64_t>(size_t(sources_[s].samples))};
    std::iota(whole.rows.begin(), whole.rows.end(), 0);
    auto& own = class_weights_.emplace_back();
    for (double label : labels(whole, place, "\"class_weights\"")) own.push_back(of_class.contains(label) ? float(of_class[label]) : 1);
    lamina_column made{};
    made.size = sizeof made, made.name = class_weight, made.sample.dtype = uint32_t(DType::float32), made.data = own.data();
    sources_[s].columns.push_back(made);
  }
}

/// Of training.overfit_batches: what a look at a few batches does not need.
void Data::cut_splits() {
  const TrainingConfig& training = experiment_.training;
  for (auto& s : splits_)
    if (training.overfit_batches && *training.overfit_batches <= int64_t(s.rows.size()) / training.batch_size)
      s.rows.resize(size_t(*training.overfit_batches * training.batch_size));
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

std::vector<double> Data::scalars(const DataSplit& split, size_t column) const {
  const DataColumn& c = columns_[column];
  std::vector<double> values(split.rows.size());
  if (const auto* all = static_cast<const char*>(in_memory(split, column))) {
    for (size_t i = 0; i < values.size(); ++i) widen(c.sample.dtype, all + size_t(split.rows[i]) * c.bytes, 1, &values[i]);
    return values;
  }
  constexpr size_t at_once = 4096;
  std::vector<char> decoded(c.bytes * at_once);
  for (size_t at = 0; at < values.size(); at += at_once) {
    const size_t count = std::min(at_once, values.size() - at);
    read(split, column, split.rows.data() + at, count, decoded.data());
    widen(c.sample.dtype, decoded.data(), count, &values[at]);
  }
  return values;
}

std::vector<double> Data::labels(const DataSplit& split, const Place& place, const std::string& who) const {
  const Reference& target = experiment_.losses[0].target;
  const DataColumn* c = target.is_column() ? column(target.column) : nullptr;
  if (!c || !c->sample.shape.empty() || is_real(c->sample.dtype))
    throw ConfigError({Fault{
        place,
        who + " goes by the class numbers of the loss's target, which has none: wanted a dataset column with one integer per sample"}});
  return scalars(split, size_t(c - columns_.data()));
}

std::vector<std::pair<const void*, uint64_t>> Data::in_memory(size_t columns) const {
  std::vector<std::pair<const void*, uint64_t>> all;
  for (auto& source : sources_)
    for (size_t c = 0; c < columns; ++c)
      if (source.columns[c].data) all.emplace_back(source.columns[c].data, source.samples * columns_[c].bytes);
  return all;
}

std::vector<std::pair<const void*, uint64_t>> Data::resident() const { return in_memory(columns_.size()); }

std::string Data::hash() const {
  Sha256 sha;
  for (auto& [base, bytes] : in_memory(read_columns_)) sha.update(base, bytes);
  return sha.hex();
}

std::string Data::sha256(bool wait) {
  if (!object_) return "";
  if (!hash_.valid()) hash_ = std::async(std::launch::async, [this] { return hash(); }).share();
  return wait || hash_.wait_for(std::chrono::seconds(0)) == std::future_status::ready ? hash_.get() : "";
}

}  // namespace lamina
