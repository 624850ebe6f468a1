#include "train/workbench.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>

#include "base/failure.hpp"
#include "base/nearest.hpp"
#include "base/shape.hpp"
#include "config/settings.hpp"
#include "program/update.hpp"
#include "record/hdf5_reader.hpp"
#include "train/initialize.hpp"
#include "train/loader.hpp"
#include "train/tally.hpp"
#include "train/widen.hpp"

namespace lamina {
using program::Request;
namespace {

/// A reader of the file. The last one stays open: opening looks at every object, and a dataset asks twice for each of its arrays.
const H5Reader& reader_of(const std::string& path) {
  struct Kept {
    std::string path;
    std::filesystem::file_time_type written;
    uintmax_t bytes;
    H5Reader reader;
  };
  static thread_local std::optional<Kept> kept;
  std::error_code unknown;  // opening says what is wrong
  const auto written = std::filesystem::last_write_time(path, unknown);
  const uintmax_t bytes = std::filesystem::file_size(path, unknown);
  if (!kept || kept->path != path || kept->written != written || kept->bytes != bytes) {
    kept.reset();
    kept.emplace(Kept{path, written, bytes, H5Reader(path)});
  }
  return kept->reader;
}

/// Datasets read HDF5 files through the host's hardened reader.
lamina_status read_hdf5(lamina_scope* scope, const char* path, const char* name, lamina_shape* shape, void* data, uint64_t bytes) {
  try {
    const H5Reader& reader = reader_of(path);
    if (!data) {
      const DatasetInfo info = reader.info(name);
      if (!info.problem.empty()) throw FileError(info.problem);
      if (!info.dtype) throw FileError(std::string(path) + ": '" + name + "' holds no numbers");
      if (info.shape.size() > LAMINA_MAX_RANK) throw FileError(std::string(path) + ": '" + name + "' has more than 8 axes");
      *shape = {uint32_t(*info.dtype), uint32_t(info.shape.size()), {}};
      std::copy(info.shape.begin(), info.shape.end(), shape->dims);
      return 0;
    }
    const Array array = reader.read(name);
    if (array.bytes.size() != bytes) throw FileError(std::string(path) + ": '" + name + "' changed while it was read");
    std::memcpy(data, array.bytes.data(), bytes);
    return 0;
  } catch (const std::exception& e) {
    scope->fail(e.what());
    return 1;
  }
}
const bool offered = (graph::offer_hdf5_reader(read_hdf5), true);

std::string stored_name(const program::StateInfo& tensor) {
  return (tensor.kind == graph::StateKind::slot ? "optimizer/" : "model/") + tensor.path;
}

std::vector<double> as_doubles(const Array& a) {
  if (a.dtype != DType::float32 && a.dtype != DType::float64 && a.dtype != DType::int32 && a.dtype != DType::uint8)
    throw FileError(std::string("weights of type ") + name_of(a.dtype) + " are not read");
  std::vector<double> v(size_t(checked_count(a.shape)));
  widen(a.dtype, a.bytes.data(), v.size(), v.data());
  return v;
}

}  // namespace

Workbench::Workbench(const Experiment& x, Catalogue& c)
    : experiment(x),
      catalogue(c),
      data(x),
      session(*x.backend.plugin, x.backend.settings),
      batch_(std::min<int64_t>(x.training.batch_size, int64_t(data.training().rows.size()))) {
  (void)offered;
  for (auto& [base, bytes] : data.resident()) session.keep(base, bytes);
  training(batch_);
}
std::unique_ptr<program::Executable> Workbench::compile(const Request& request, const std::string& name) {
  program::Recorded recorded = program::record(experiment, data.types(), request, session.real());
  if (request.update && layers_.empty()) layers_ = recorded.layers, without_gradient_ = recorded.without_gradient;
  if (request.mode == Request::Mode::evaluate && experiment.training.average && experiment.training.average->evaluate)
    for (auto& state : recorded.graph->states)
      if (const std::string average = program::average_of(state.path); session.find(average) >= 0) state.path = average;
  try {
    return session.compile(std::move(recorded.graph), std::move(recorded.outputs), name);
  } catch (const graph::ErrorAt& e) {  // an op or a kernel that the backend does not run
    recorded.refuse(e);
  } catch (const Error& e) {
    throw Failure(Exit::backend, e.text);
  }
}
program::Executable& Workbench::training(int64_t batch) {
  auto& p = programs_["train " + std::to_string(batch)];
  if (!p) p = compile(step(batch), "train " + std::to_string(batch));
  return *p;
}
program::Executable& Workbench::accumulating(int64_t batch) {
  auto& p = programs_["accumulate " + std::to_string(batch)];
  Request request = step(batch);
  request.accumulate = true;
  if (!p) p = compile(request, "accumulate " + std::to_string(batch));
  return *p;
}
Request Workbench::step(int64_t batch) const {
  return {Request::Mode::train, batch, {"losses"}, "loss", {}, true, session.precision() == "float16"};
}
program::Executable& Workbench::evaluation(int64_t batch) {
  auto& p = programs_["evaluate " + std::to_string(batch)];
  if (!p)
    p = compile({Request::Mode::evaluate, batch, {"losses", "metrics", "prediction"}, "loss", {}, false},
                "evaluate " + std::to_string(batch));
  return *p;
}
std::vector<std::string> Workbench::layer_results() const {
  std::vector<std::string> names;
  for (size_t k = 0; k < layers_.size(); ++k)
    for (size_t i = 0; i < layers_[k].results.size(); ++i)
      if (is_real(layers_[k].results[i].dtype))  // positions jump at a rounding, between elements that are almost equal
        names.push_back(layers_[k].path + (i ? "." + result_name(*experiment.layers[k].layer.plugin, i) : ""));
  return names;
}
std::vector<std::string> Workbench::trained_parameters() const {
  std::vector<std::string> names;
  for (auto& layer : layers_) names.insert(names.end(), layer.trained.begin(), layer.trained.end());
  return names;
}
program::Executable& Workbench::inspecting(int64_t batch) {
  auto& p = programs_["inspect " + std::to_string(batch)];
  if (p) return *p;
  Request request{Request::Mode::train, batch, layer_results(), "loss", trained_parameters(), false};
  request.fetch.push_back("loss");
  p = compile(request, "inspect " + std::to_string(batch));
  return *p;
}
program::Executable& Workbench::watching(int64_t batch, const std::vector<std::string>& results,
                                         const std::vector<std::string>& parameters) {
  auto& p = programs_["watch " + std::to_string(batch)];
  if (!p) p = compile({Request::Mode::train, batch, results, "loss", parameters, false}, "watch " + std::to_string(batch));
  return *p;
}
program::Executable& Workbench::predicting(int64_t batch, const std::vector<std::string>& layers) {
  auto& p = programs_["predict " + std::to_string(batch)];
  if (!p) p = compile({Request::Mode::evaluate, batch, layers, "loss", {}, false}, "predict " + std::to_string(batch));
  return *p;
}
int64_t Workbench::parameters() const {
  int64_t n = 0;
  for (auto& l : layers_) n += l.parameter_count;
  return n;
}

std::string Workbench::missing_classes() const {
  for (auto& loss : experiment.losses) {
    const DataColumn* target = loss.target.is_column() ? data.column(loss.target.column) : nullptr;
    if (!target || is_real(target->sample.dtype) || loss.prediction.is_column()) continue;
    const program::RecordedLayer& layer = layers_[loss.prediction.layer];
    const Shape& scores = layer.results.at(loss.prediction.result).shape;
    if (scores.size() < 2 || scores[1] < 2 || int64_t(target->class_count) <= scores[1]) continue;  // one score is no classifier's
    return "the column '" + loss.target.column + "' has " + std::to_string(target->class_count) + " classes, the layer '" + layer.path +
           "' gives scores of " + std::to_string(scores[1]);
  }
  return "";
}

std::string Workbench::prediction() const {
  const Reference& r = experiment.losses[0].prediction;
  if (r.is_column()) return "";
  const LayerConfig& layer = experiment.layers[r.layer];
  return r.result == 0 ? layer.path : layer.path + "." + result_name(*layer.layer.plugin, r.result);
}

void Workbench::compile_all() {
  const auto each_size = [&](const DataSplit& split, auto compile) {
    const int64_t samples = int64_t(split.rows.size());
    if (samples >= batch_) compile(batch_);
    if (samples % batch_) compile(samples % batch_);
  };
  each_size(data.training(), [&](int64_t size) {
    if (size == batch_ || !experiment.training.drop_last_batch) training(size);
    if (size == batch_ && experiment.training.accumulate > 1) accumulating(size);
  });
  for (auto& split : data.splits())
    if (&split != &data.training()) each_size(split, [&](int64_t size) { evaluation(size); });
}

Scores Workbench::evaluate(const DataSplit& split, Evaluation* record) {
  Tally tally;
  const Reference& truth = experiment.losses[0].target;
  const DataColumn* target = truth.is_column() ? data.column(truth.column) : nullptr;
  const bool classifies =
      record && target && target->class_count && target->sample.shape.empty() && !is_real(target->sample.dtype) && !prediction().empty();
  const int64_t total = int64_t(split.rows.size());
  std::map<int64_t, Loader::Columns> columns;  // by batch size
  std::vector<char> outputs;
  Loader loader(data, split);
  for (int64_t at = 0; at < total; at += batch_) {
    const int64_t count = std::min(batch_, total - at), next = std::min(batch_, total - at - count);
    program::Executable& p = evaluation(count);
    if (!columns.contains(count)) columns[count] = data.numbers(p.feeds());
    const int64_t* rows = split.rows.data() + at;
    const lamina_feed* feeds = loader.feeds(columns[count], rows, size_t(count));
    if (classifies) {
      const size_t place = size_t(std::find(p.feeds().begin(), p.feeds().end(), target->name) - p.feeds().begin());
      if (place < p.feeds().size()) tally.take_labels(target->sample.dtype, feeds[place], size_t(count));
    }
    if (next && columns.contains(next)) loader.announce(columns[next], rows + count, size_t(next));
    outputs.resize(p.output_bytes());
    p.run({uint64_t(experiment.seed), 0, 0, 0, 1}, feeds, outputs.data());
    p.wait();
    for (auto& o : p.lowered().outputs)
      tally.take(o.name, p.lowered().values[o.value].type, outputs.data() + o.offset, size_t(count), classifies);
  }
  if (classifies && tally.predicted.size() == size_t(total) && tally.labels.size() == size_t(total))
    tally.confusion(split, *target, *record);
  Scores scores = {{"loss", tally.losses["loss"] / double(total)}};
  for (auto& loss : experiment.losses)
    if (!loss.name.empty()) scores.emplace_back(loss.column(), tally.losses["loss/" + loss.name] / double(total));
  for (auto& m : experiment.metrics) scores.emplace_back(m.name, finish(m, tally.sums_of(m.name)));
  return scores;
}

double Workbench::finish(const MetricConfig& m, const std::vector<double>& sums) const {
  const auto table = copy_sized<lamina_metric>(m.metric.plugin->table);
  if (!table.finish) throw Failure(Exit::plugin, m.metric.plugin->file + ": the metric's table has no finish");
  lamina_scope scope;
  scope.where = "metric '" + m.name + "'", scope.file = m.metric.plugin->file;
  const auto settings = program::views(m.metric.settings);
  double result = 0;
  if (!graph::call_plugin(scope, [&](auto* host, auto* handle) {
        return table.finish(host, handle, settings.data(), uint32_t(settings.size()), sums.data(), sums.size(), &result);
      }))
    return result;
  try {
    scope.raise();
  } catch (const std::exception& e) {
    throw Failure(Exit::plugin, e.what());
  }
}

std::vector<NamedArray> Workbench::save() const {
  std::vector<NamedArray> tensors;
  auto& s = const_cast<program::Session&>(session);
  for (size_t e = 0; e < session.state().size(); ++e) {
    const auto& tensor = session.state()[e];
    if (program::MicroBatches::keeps(tensor.path)) continue;
    NamedArray a{stored_name(tensor), {tensor.type.dtype, tensor.type.shape, std::vector<std::byte>(session.bytes(e))}};
    s.read(e, a.array.bytes.data());
    tensors.push_back(std::move(a));
  }
  return tensors;
}
void Workbench::load(const std::vector<NamedArray>& tensors, const std::string& file) {
  std::map<std::string, const Array*> index;
  for (auto& t : tensors) index[t.name] = &t.array;
  for (size_t e = 0; e < session.state().size(); ++e) {
    const auto& tensor = session.state()[e];
    auto it = index.find(stored_name(tensor));
    const bool anew = program::LossScale::keeps(tensor.path) || program::MicroBatches::keeps(tensor.path);
    if (it == index.end() && anew) {
      write_values(session, e, initial_values(tensor, nullptr, uint64_t(experiment.seed), catalogue));
      continue;
    }
    if (it == index.end()) throw Failure(Exit::experiment, file + ": it has no '" + stored_name(tensor) + "', which this network has");
    if (it->second->shape != tensor.type.shape)
      throw Failure(Exit::experiment,
                    file + ": '" + stored_name(tensor) + "' is " + text_of(it->second->shape) + ", wanted " + text_of(tensor.type.shape));
    if (it->second->dtype == tensor.type.dtype)
      session.write(e, it->second->bytes.data());
    else
      write_values(session, e, as_doubles(*it->second));
  }
}
void Workbench::start_averages() {
  for (size_t e = 0; e < session.state().size(); ++e) {
    const int64_t average = session.find(program::average_of(session.state()[e].path));
    if (average < 0) continue;
    std::vector<char> values(session.bytes(e));
    session.read(e, values.data());
    session.write(size_t(average), values.data());
  }
}
void Workbench::load_initial_weights() {
  if (!experiment.initial_weights) return;
  const WeightsConfig& w = *experiment.initial_weights;
  std::vector<Fault> faults;
  auto fault = [&](const std::string& sentence) { faults.push_back({w.place, w.file + ": " + sentence}); };
  try {
    const H5Reader reader(w.file);
    std::vector<std::string> known;  // what may be given: parameters and statistics, not optimizer slots
    for (auto& t : session.state())
      if (t.kind != graph::StateKind::slot) known.push_back(t.path);
    std::map<std::string, std::string> from;  // tensor → array
    for (auto& name : reader.names()) {
      if (name.rfind("optimizer/", 0) == 0 || name == "state") continue;
      const std::string bare = name.rfind("model/", 0) == 0 ? name.substr(6) : name;
      auto mapped = w.map.find(name);
      if (mapped == w.map.end()) mapped = w.map.find(bare);
      const std::string to = mapped == w.map.end() ? bare : mapped->second;
      if (std::find(known.begin(), known.end(), to) != known.end())
        from[to] = name;
      else if (w.strict)
        fault("the array '" + name + "' has no place in the network" + did_you_mean(to, known));
    }
    for (size_t e = 0; e < session.state().size(); ++e) {
      const auto& tensor = session.state()[e];
      if (tensor.kind == graph::StateKind::slot) continue;
      auto it = from.find(tensor.path);
      if (it == from.end()) {
        if (w.strict) fault("it has no array for '" + tensor.path + "'" + did_you_mean(tensor.path, reader.names()));
        continue;
      }
      const Array a = reader.read(it->second);
      if (a.shape != tensor.type.shape)
        fault("'" + it->second + "' is " + text_of(a.shape) + ", wanted " + text_of(tensor.type.shape));
      else
        write_values(session, e, as_doubles(a));
    }
  } catch (const FileError& e) {
    faults.push_back({w.place, e.what()});
  }
  if (!faults.empty()) throw ConfigError(std::move(faults));
}

}  // namespace lamina
