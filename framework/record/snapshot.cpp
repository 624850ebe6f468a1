#include "record/snapshot.hpp"

#include "record/hdf5.hpp"

#include <algorithm>
#include <numeric>

namespace lamina {
namespace {

/// The axes of a group that h5web and other NeXus readers plot by themselves.
FileAttributes nexus_data(const std::string& signal, std::vector<std::string> axes, const std::vector<std::string>& auxiliary = {}) {
  FileAttributes attributes{{"NX_class", "NXdata"}, {"signal", signal}};
  if (axes.size() == 1)
    attributes.emplace_back("axes", std::move(axes[0]));
  else
    attributes.emplace_back("axes", std::move(axes));
  if (!auxiliary.empty()) attributes.emplace_back("auxiliary_signals", auxiliary);
  return attributes;
}

void check_length(const std::string& what, size_t length, size_t wanted) {
  if (length != wanted)
    throw FileError("The snapshot has " + std::to_string(length) + " " + what + " where " + std::to_string(wanted) + " are wanted.");
}

/// The column a plot shows first: the loss, else the first real one, else the rows' number itself.
std::string signal_of(const std::string& kind, const Rows& rows) {
  for (const char* name : {"loss", "train_loss", "validation_loss"})
    if (rows.find(name)) return name;
  for (const Column& column : rows.columns)
    if (column.real) return column.name;
  return kind;
}

void write_rows(H5Writer& file, const std::string& kind, const Rows& rows) {
  const std::string group = "metrics/" + kind + "/", scale = group + kind;
  const std::string signal = signal_of(kind, rows);
  std::vector<std::string> losses;
  for (const Column& column : rows.columns)
    if (column.name.ends_with("_loss") && column.name != signal) losses.push_back(column.name);
  file.group(group, nexus_data(signal, {kind}, losses));
  const Shape shape{int64_t(rows.size())};
  for (const Column& column : rows.columns) {
    const std::string path = group + column.name;
    if (column.real)
      file.write(path, DType::float64, shape, column.reals.data());
    else
      file.write_int64(path, shape, column.integers);
    if (column.name == "wall_time" || column.name == "seconds") file.attribute(path, "units", "s");
    if (column.name == "samples_per_second") file.attribute(path, "units", "1/s");
  }
  file.scale(scale, kind);
  for (const Column& column : rows.columns)
    if (column.name != kind) file.attach(group + column.name, 0, scale);
}

void write_evaluation(H5Writer& file, const Evaluation& evaluation) {
  const std::string group = "evaluation/" + evaluation.split + "/";
  file.group(group, evaluation.attributes);
  if (!evaluation.counts.empty()) {
    const int64_t classes = int64_t(evaluation.classes.size());
    check_length("counts of a confusion matrix", evaluation.counts.size(), size_t(classes * classes));
    file.group(group, nexus_data("counts", {"true_class", "predicted_class"}));
    file.write_int64(group + "counts", {classes, classes}, evaluation.counts);
    // Two scales, not one for both axes: xarray would take the matrix for a vector.
    int axis = 0;
    for (const char* name : {"true_class", "predicted_class"}) {
      file.write_texts(group + name, evaluation.classes);
      file.scale(group + name, name);
      file.attach(group + "counts", axis++, group + name);
    }
  }
  const size_t samples = evaluation.sample.size();
  if (samples == 0) return;
  check_length("labels", evaluation.label.size(), samples);
  check_length("predictions", evaluation.predicted.size(), samples);
  const std::string predictions = group + "predictions/";
  const Shape shape{int64_t(samples)};
  file.group(predictions, nexus_data("predicted", {"sample"}, {"label"}));
  file.write_int64(predictions + "sample", shape, evaluation.sample);
  file.write(predictions + "label", DType::int32, shape, evaluation.label.data());
  file.write(predictions + "predicted", DType::int32, shape, evaluation.predicted.data());
  file.scale(predictions + "sample", "sample");
  for (const char* name : {"label", "predicted"}) file.attach(predictions + name, 0, predictions + "sample");
  if (!evaluation.probability) return;
  const Shape& probability = evaluation.probability->shape;
  check_length("rows of probabilities", probability.empty() ? 0 : size_t(probability[0]), samples);
  file.write(predictions + "probability", *evaluation.probability, {.compress = true});
  file.attach(predictions + "probability", 0, predictions + "sample");
  if (probability.size() != 2 || probability[1] != int64_t(evaluation.classes.size())) return;
  if (evaluation.counts.empty())
    file.label(predictions + "probability", 1, "class");
  else
    file.attach(predictions + "probability", 1, group + "predicted_class");
}

void write_times(H5Writer& file, const std::string& group, const std::string& axis, const std::vector<double>& seconds) {
  file.group(group, nexus_data("seconds", {axis}));
  file.write(group + "/seconds", DType::float64, {int64_t(seconds.size())}, seconds.data());
  file.attribute(group + "/seconds", "units", "s");
  file.scale(group + "/" + axis, axis);
  file.attach(group + "/seconds", 0, group + "/" + axis);
}

void write_profile(H5Writer& file, const ProfileRecord& profile) {
  const size_t ops = profile.op_seconds.size();
  check_length("ops", profile.op.size(), ops);
  check_length("layers of ops", profile.op_layer.size(), ops);
  check_length("layers of the profile", profile.layer.size(), profile.layer_seconds.size());
  file.group("profile", {{"NX_class", "NXentry"}, {"default", "layer"}, {"first_step", profile.first_step}, {"steps", profile.steps}});
  file.write_texts("profile/layer/layer", profile.layer);
  write_times(file, "profile/layer", "layer", profile.layer_seconds);
  std::vector<int64_t> numbers(ops);
  std::iota(numbers.begin(), numbers.end(), 1);
  file.write_int64("profile/op/op", {int64_t(ops)}, numbers);
  write_times(file, "profile/op", "op", profile.op_seconds);
  file.write_texts("profile/op/name", profile.op);
  file.write_texts("profile/op/layer", profile.op_layer);
  for (const char* column : {"name", "layer"}) file.attach(std::string("profile/op/") + column, 0, "profile/op/op");
}

void write_recorded(H5Writer& file, const RecordedSteps& recorded) {
  const int64_t steps = int64_t(recorded.steps.size());
  file.group("record", {{"NX_class", "NXcollection"}});
  file.write_int64("record/step", {steps}, recorded.steps);
  file.scale("record/step", "step");
  for (const NamedArray& tensor : recorded.tensors) {
    check_length("steps of a recorded tensor", tensor.array.shape.empty() ? 0 : size_t(tensor.array.shape[0]), size_t(steps));
    file.write("record/" + tensor.name, tensor.array);
    file.attach("record/" + tensor.name, 0, "record/step");
  }
}

void write_layers(H5Writer& file, const std::vector<LayerRecord>& layers) {
  std::vector<std::string> names, types, shapes;
  std::vector<int64_t> parameters;
  for (const LayerRecord& layer : layers) {
    names.push_back(layer.name), types.push_back(layer.type), shapes.push_back(text_of(layer.output_shape));
    parameters.push_back(layer.parameters);
  }
  file.write_texts("network/layers/name", names);
  file.write_texts("network/layers/type", types);
  file.write_texts("network/layers/output_shape", shapes);
  file.write_int64("network/layers/parameters", {int64_t(layers.size())}, parameters);
}

void write_plugins(H5Writer& file, const std::vector<PluginRecord>& plugins) {
  std::vector<std::string> names, versions, hashes;
  for (const PluginRecord& plugin : plugins)
    names.push_back(plugin.name), versions.push_back(plugin.version), hashes.push_back(plugin.sha256);
  file.write_texts("provenance/plugins/name", names);
  file.write_texts("provenance/plugins/version", versions);
  file.write_texts("provenance/plugins/sha256", hashes);
}

}  // namespace

void write_snapshot(const std::filesystem::path& path, const Snapshot& snapshot) {
  H5Writer file(path);
  file.group("/", {{"format", "lamina-run"}, {"format_version", int64_t(1)}, {"NX_class", "NXroot"}, {"default", "metrics"}});
  file.write_text("config/source", snapshot.source);
  file.write_text("config/resolved", snapshot.resolved);
  file.write_texts("config/overrides", snapshot.overrides);
  file.group("provenance", snapshot.provenance);
  write_plugins(file, snapshot.plugins);
  file.group("metrics", {{"NX_class", "NXentry"}});
  std::string shown;  // the kind a viewer opens first
  if (snapshot.metrics)
    for (const auto& [kind, rows] : *snapshot.metrics)
      if (rows.size() > 0) {
        write_rows(file, kind, rows);
        if (shown.empty() || kind == "step") shown = kind;
      }
  if (!shown.empty()) file.attribute("metrics", "default", shown);
  for (const Evaluation& evaluation : snapshot.evaluations) write_evaluation(file, evaluation);
  if (snapshot.profile) write_profile(file, *snapshot.profile);
  if (!snapshot.recorded.steps.empty()) write_recorded(file, snapshot.recorded);
  write_layers(file, snapshot.layers);
  for (const NamedArray& named : snapshot.arrays) file.write(named.name, named.array, {.compress = named.array.dtype == DType::uint8});
  file.commit();
}

}  // namespace lamina
