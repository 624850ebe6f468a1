// The commands that look at a run that was trained: evaluate and predict.
#include <algorithm>

#include "base/shape.hpp"
#include "record/hdf5.hpp"
#include "record/journal.hpp"
#include "train/failures.hpp"
#include "train/loader.hpp"
#include "train/provenance.hpp"
#include "train/run.hpp"
#include "train/run_folder.hpp"
#include "train/weights.hpp"
#include "train/workbench.hpp"

namespace lamina {
namespace {

Experiment experiment_of(const RunFolder& folder, Catalogue& catalogue, const std::vector<std::string>& overrides) {
  Experiment x = load_experiment(folder.resolved(), catalogue, overrides);
  x.source = folder.source();
  x.initial_weights.reset();  // the checkpoint has them
  return x;
}

const DataSplit& split_of(const Workbench& bench, const std::string& name) {
  if (const DataSplit* split = bench.data.split(name)) return *split;
  std::string there;
  for (const DataSplit& s : bench.data.splits()) there += (there.empty() ? "" : ", ") + s.name;
  throw Failure(Exit::usage, "the data of this run have no split \"" + name + "\"; there is: " + there);
}

Evaluated evaluate_checked(const std::filesystem::path& path, const std::string& split_name, const WeightsChoice& choice,
                           Catalogue& catalogue, const std::vector<std::string>& overrides) {
  const RunFolder folder = RunFolder::open(path);
  const Experiment x = experiment_of(folder, catalogue, overrides);
  Workbench bench(x, catalogue);
  const DataSplit& split = split_of(bench, split_name);
  const ChosenWeights weights = load_weights(bench, folder, choice);
  if (std::ranges::any_of(overrides, [](const std::string& o) { return o.starts_with("dataset."); }))
    return {bench.evaluate(split), weights, {}, false};
  RunRecord record(bench, "");
  const std::string status = record.take_over(folder, false);
  const Scores scores = record.evaluate(split, weights);
  const Journal journal(folder.journal());
  return {scores, weights, record.write(folder, journal, status)};
}

/// Every column that the network reads, from a file; all with the same number of samples.
class FileFeeds {
 public:
  FileFeeds(const std::filesystem::path& input, const Data& data, const std::vector<std::string>& columns) {
    const H5Reader file(input);
    for (auto& column : columns) {
      Array a = file.read(column);
      const graph::TensorType wanted = data.column(column)->sample;
      const std::string where = input.string() + ": '" + column + "'";
      if (a.shape.empty() || Shape(a.shape.begin() + 1, a.shape.end()) != wanted.shape)
        throw Failure(Exit::experiment,
                      where + " is " + text_of(a.shape) + ", wanted [samples, …] with samples of " + text_of(wanted.shape));
      if (a.dtype != wanted.dtype)
        throw Failure(Exit::experiment, where + " is " + name_of(a.dtype) + ", the network was trained on " + name_of(wanted.dtype));
      if (total >= 0 && a.shape[0] != total)
        throw Failure(Exit::experiment, where + " has " + std::to_string(a.shape[0]) + " samples, another column " + std::to_string(total));
      total = a.shape[0];
      arrays_[column] = std::move(a);
    }
    if (total < 1) throw Failure(Exit::experiment, input.string() + ": there is nothing to predict");
  }
  const lamina_feed* feeds(const program::Executable& p, int64_t at, int64_t) {
    feeds_.clear();
    for (auto& column : p.feeds()) {
      const Array& a = arrays_.at(column);
      const int64_t bytes = int64_t(a.bytes.size()) / total;
      feeds_.push_back({a.bytes.data() + at * bytes, nullptr, bytes});
    }
    return feeds_.data();
  }
  int64_t total = -1;

 private:
  std::map<std::string, Array> arrays_;
  std::vector<lamina_feed> feeds_;
};
/// The same from a split of the run's data.
class SplitFeeds {
 public:
  SplitFeeds(const Data& data, const DataSplit& split)
      : total(int64_t(split.rows.size())), data_(data), split_(split), loader_(data, split) {}
  const lamina_feed* feeds(const program::Executable& p, int64_t at, int64_t count) {
    if (!columns_.contains(count)) columns_[count] = data_.numbers(p.feeds());
    return loader_.feeds(columns_[count], split_.rows.data() + at, size_t(count));
  }
  const int64_t total;

 private:
  const Data& data_;
  const DataSplit& split_;
  std::map<int64_t, Loader::Columns> columns_;  // by batch size
  Loader loader_;
};

/// Outputs of `layers` for all samples of `source`.
template <class Source>
std::map<std::string, Array> outputs_of(Workbench& bench, const std::vector<std::string>& layers, Source source) {
  std::map<std::string, Array> results;
  std::vector<char> outputs;
  for (int64_t at = 0; at < source.total; at += bench.batch()) {
    const int64_t count = std::min(bench.batch(), source.total - at);
    program::Executable& p = bench.predicting(count, layers);
    outputs.resize(p.output_bytes());
    p.run({uint64_t(bench.experiment.seed), 0, 0, 0, 1}, source.feeds(p, at, count), outputs.data());
    p.wait();
    for (auto& o : p.lowered().outputs) {
      const auto& type = p.lowered().values[o.value].type;
      if (type.shape.empty() || type.shape[0] != count)
        throw Failure(Exit::usage, "layer '" + o.name + "' has the shape " + text_of(type.shape) + ", whose first axis is not the batch");
      Array& r = results[o.name];
      const auto* from = reinterpret_cast<const std::byte*>(outputs.data() + o.offset);
      r.dtype = type.dtype, r.shape = type.shape;
      r.bytes.insert(r.bytes.end(), from, from + uint64_t(checked_count(type.shape)) * size_of(type.dtype));
      r.shape[0] = at + count;
    }
  }
  return results;
}

constexpr const char *writer_key = "written_by", *writer = "lamina predict";

/// Refuses to replace what predict did not write: a slip of the hand would cost data.
void check_replaceable(const std::filesystem::path& output) {
  std::error_code unknown;
  if (!std::filesystem::exists(output, unknown)) return;
  bool own = false;
  try {
    own = H5Reader(output).attribute_text("", writer_key) == writer;
  } catch (const std::exception&) {
  }
  if (!own)
    throw Failure(Exit::usage,
                  output.string() + " is there already and bears no mark of `lamina predict`; delete it, or name another file");
}

Predicted predict_checked(const std::filesystem::path& path, const SampleSource& from, const std::filesystem::path& output,
                          std::vector<std::string> layers, const WeightsChoice& choice, Catalogue& catalogue,
                          const std::vector<std::string>& overrides) {
  const RunFolder folder = RunFolder::look(path);
  if (std::error_code unknown; !from.file.empty() && std::filesystem::equivalent(from.file, output, unknown))
    throw Failure(Exit::usage, output.string() + " is the file to read; the outputs need another one");
  const auto inside = std::filesystem::weakly_canonical(output).lexically_relative(std::filesystem::canonical(path));
  if (!inside.empty() && *inside.begin() != "..")
    throw Failure(Exit::usage,
                  output.string() + " lies in the run folder, which holds the run's own record; the outputs need another place");
  check_replaceable(output);
  const Experiment x = experiment_of(folder, catalogue, overrides);
  Workbench bench(x, catalogue);
  const DataSplit* split = from.file.empty() ? &split_of(bench, from.split) : nullptr;
  const ChosenWeights weights = load_weights(bench, folder, choice);
  if (layers.empty()) layers = {"prediction"};
  const auto results = split ? outputs_of(bench, layers, SplitFeeds(bench.data, *split))
                             : outputs_of(bench, layers, FileFeeds(from.file, bench.data, bench.predicting(1, layers).feeds()));
  int64_t samples = 0;
  with_exit(Exit::failed, [&] {
    H5Writer out(output);
    FileAttributes about = {{writer_key, std::string(writer)},
                            {"run", std::filesystem::canonical(path).string()},
                            {"weights", weights.file.string()},
                            {"step", weights.step}};
    about.emplace_back(split ? "split" : "file", split ? split->name : std::filesystem::canonical(from.file).string());
    out.group("", about);
    const bool numbered = split && !results.contains("sample");  // where no layer has that name
    if (numbered) out.write_int64("sample", {int64_t(split->rows.size())}, split->rows), out.scale("sample", "sample");
    for (auto& [name, array] : results) {
      samples = array.shape[0];
      out.write(name, array);
      if (numbered)
        out.attach(name, 0, "sample");
      else
        out.label(name, 0, "sample");
    }
    out.commit();
  });
  return {samples, weights};
}

}  // namespace

Evaluated evaluate_run(const std::filesystem::path& folder, const std::string& split, const WeightsChoice& weights, Catalogue& catalogue,
                       const std::vector<std::string>& overrides) {
  return with_exit(Exit::experiment, [&] { return evaluate_checked(folder, split, weights, catalogue, overrides); });
}

Predicted predict(const std::filesystem::path& folder, const SampleSource& from, const std::filesystem::path& output,
                  std::vector<std::string> layers, const WeightsChoice& weights, Catalogue& catalogue,
                  const std::vector<std::string>& overrides) {
  return with_exit(Exit::experiment,
                   [&] { return predict_checked(folder, from, output, std::move(layers), weights, catalogue, overrides); });
}

}  // namespace lamina
