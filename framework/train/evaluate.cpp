// The commands that look at a run that was trained: evaluate and predict.
#include <cstring>

#include "base/shape.hpp"
#include "record/hdf5.hpp"
#include "record/journal.hpp"
#include "train/failures.hpp"
#include "train/initialize.hpp"
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

Evaluated evaluate_checked(const std::filesystem::path& path, const std::string& split_name, const WeightsChoice& choice,
                           Catalogue& catalogue, const std::vector<std::string>& overrides) {
  const RunFolder folder = RunFolder::open(path);
  const Experiment x = experiment_of(folder, catalogue, overrides);
  Workbench bench(x, catalogue);
  const DataSplit* split = bench.data.split(split_name);
  if (!split) {
    std::string there;
    for (const DataSplit& s : bench.data.splits()) there += (there.empty() ? "" : ", ") + s.name;
    throw Failure(Exit::usage, "the data of this run have no split \"" + split_name + "\"; there is: " + there);
  }
  const ChosenWeights weights = load_weights(bench, folder, choice);
  RunRecord record(bench, "");
  const std::string status = record.take_over(folder, false);
  const Scores scores = record.evaluate(*split, weights);
  const Journal journal(folder.journal());
  return {scores, weights, record.write(folder, journal, status)};
}

Predicted predict_checked(const std::filesystem::path& path, const std::filesystem::path& input, const std::filesystem::path& output,
                          std::vector<std::string> layers, const WeightsChoice& choice, Catalogue& catalogue,
                          const std::vector<std::string>& overrides) {
  const RunFolder folder = RunFolder::look(path);
  if (std::error_code unknown; std::filesystem::equivalent(input, output, unknown))
    throw Failure(Exit::usage, output.string() + " is the file to read; the outputs need another one");
  const auto inside = std::filesystem::weakly_canonical(output).lexically_relative(std::filesystem::canonical(path));
  if (!inside.empty() && *inside.begin() != "..")
    throw Failure(Exit::usage,
                  output.string() + " lies in the run folder, which holds the run's own record; the outputs need another place");
  const Experiment x = experiment_of(folder, catalogue, overrides);
  Workbench bench(x, catalogue);
  const ChosenWeights weights = load_weights(bench, folder, choice);
  if (layers.empty()) layers = {"prediction"};

  // Every column that the network reads, from the file; all with the same number of samples.
  const H5Reader file(input);
  std::map<std::string, Array> arrays;
  int64_t total = -1;
  for (auto& column : bench.predicting(1, layers).feeds()) {
    Array a = file.read(column);
    const graph::TensorType wanted = bench.data.column(column)->sample;
    const std::string where = input.string() + ": '" + column + "'";
    if (a.shape.empty() || Shape(a.shape.begin() + 1, a.shape.end()) != wanted.shape)
      throw Failure(Exit::experiment, where + " is " + text_of(a.shape) + ", wanted [samples, …] with samples of " + text_of(wanted.shape));
    if (a.dtype != wanted.dtype)
      throw Failure(Exit::experiment, where + " is " + name_of(a.dtype) + ", the network was trained on " + name_of(wanted.dtype));
    if (total >= 0 && a.shape[0] != total)
      throw Failure(Exit::experiment, where + " has " + std::to_string(a.shape[0]) + " samples, another column " + std::to_string(total));
    total = a.shape[0];
    arrays[column] = std::move(a);
  }
  if (total < 1) throw Failure(Exit::experiment, input.string() + ": there is nothing to predict");

  std::map<std::string, Array> results;
  std::vector<char> outputs;
  for (int64_t at = 0; at < total; at += bench.batch()) {
    const int64_t count = std::min(bench.batch(), total - at);
    program::Executable& p = bench.predicting(count, layers);
    std::vector<lamina_feed> feeds;
    for (auto& column : p.feeds()) {
      const Array& a = arrays.at(column);
      const int64_t bytes = int64_t(a.bytes.size()) / total;
      feeds.push_back({a.bytes.data() + at * bytes, nullptr, bytes});
    }
    outputs.resize(p.output_bytes());
    p.run({uint64_t(x.seed), 0, 0, 0, 1}, feeds.data(), outputs.data());
    p.wait();
    for (auto& o : p.lowered().outputs) {
      const auto& type = p.lowered().values[o.value].type;
      if (type.shape.empty() || type.shape[0] != count)
        throw Failure(Exit::usage, "layer '" + o.name + "' has the shape " + text_of(type.shape) + ", whose first axis is not the batch");
      Array& r = results[o.name];
      const auto* from = reinterpret_cast<const std::byte*>(outputs.data() + o.offset);
      r.dtype = type.dtype, r.shape = type.shape;
      r.bytes.insert(r.bytes.end(), from, from + uint64_t(checked_count(type.shape)) * size_of(type.dtype));
    }
  }
  with_exit(Exit::failed, [&] {
    H5Writer out(output);
    for (auto& [name, array] : results) {
      array.shape[0] = total;
      out.write(name, array);
      out.label(name, 0, "sample");
    }
    out.commit();
  });
  return {total, weights};
}

}  // namespace

Evaluated evaluate_run(const std::filesystem::path& folder, const std::string& split, const WeightsChoice& weights, Catalogue& catalogue,
                       const std::vector<std::string>& overrides) {
  return with_exit(Exit::experiment, [&] { return evaluate_checked(folder, split, weights, catalogue, overrides); });
}

Predicted predict(const std::filesystem::path& folder, const std::filesystem::path& input, const std::filesystem::path& output,
                  std::vector<std::string> layers, const WeightsChoice& weights, Catalogue& catalogue,
                  const std::vector<std::string>& overrides) {
  return with_exit(Exit::experiment,
                   [&] { return predict_checked(folder, input, output, std::move(layers), weights, catalogue, overrides); });
}

}  // namespace lamina
