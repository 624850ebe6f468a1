#include "config/resolved.hpp"

#include "config/settings.hpp"

namespace lamina {
namespace {

void add_settings(Json& object, const PluginConfig& plugin) {
  Json settings = to_json(plugin.plugin->parameters, plugin.settings);
  for (Member& m : settings.members()) object.set(m.key, std::move(m.value));
}
/// {"type": …, settings}
Json plugin_json(const PluginConfig& plugin) {
  Json object = Json::object();
  object.set("type", plugin.plugin->name);
  add_settings(object, plugin);
  return object;
}

std::string reference_text(const Experiment& e, const Reference& r) {
  if (r.is_column()) return r.column;
  const LayerConfig& layer = e.layers[r.layer];
  return r.result ? layer.path + "." + result_name(*layer.layer.plugin, r.result) : layer.path;
}

Json layer_json(const Experiment& e, const LayerConfig& layer) {
  Json object = Json::object();
  object.set("type", layer.layer.plugin->name);
  object.set("name", layer.path);
  Json inputs = Json::array();
  for (const Reference& r : layer.inputs) inputs.push_back(reference_text(e, r));
  object.set("inputs", std::move(inputs));
  object.set("trainable", layer.trainable);
  object.set("training", layer.training);
  object.set("learning_rate_scale", layer.learning_rate_scale);
  if (layer.share) object.set("share", e.layers[*layer.share].path);
  if (!layer.initializers.empty()) {
    Json& initializers = object.set("initializer", Json::object());
    for (const InitializerConfig& i : layer.initializers) initializers.set(i.parameter, plugin_json(i.initializer));
  }
  if (!layer.regularize.empty()) {
    Json& regularize = object.set("regularize", Json::object());
    for (const RegularizeConfig& r : layer.regularize) {
      Json& one = regularize.set(r.parameter, Json::object());
      one.set("l1", r.l1), one.set("l2", r.l2);
    }
  }
  add_settings(object, layer.layer);
  return object;
}

Json group_json(const GroupConfig& group) {
  Json object = Json::object();
  Json& match = object.set("match", Json::array());
  for (const auto& [pattern, place] : group.patterns) match.push_back(pattern);
  if (group.learning_rate)
    object.set("learning_rate", *group.learning_rate);
  else
    object.set("learning_rate_scale", group.learning_rate_scale);
  object.set("trainable", group.trainable);
  Json settings = to_json(group.optimizer.plugin->parameters, group.given);
  for (Member& m : settings.members()) object.set(m.key, std::move(m.value));
  return object;
}

template <class Measure>  // LossConfig or MetricConfig
void add_inputs(Json& object, const Experiment& e, const Measure& m) {
  object.set("prediction", reference_text(e, m.prediction));
  object.set("target", reference_text(e, m.target));
  if (m.weight) object.set("weight", reference_text(e, *m.weight));
}

Json loss_json(const Experiment& e, const LossConfig& loss) {
  Json object = plugin_json(loss.loss);
  add_inputs(object, e, loss);
  object.set("scale", loss.scale);
  if (!loss.name.empty()) object.set("name", loss.name);
  return object;
}

Json validation_json(const ValidationConfig& v) {
  Json object = Json::object();
  if (v.fraction) object.set("fraction", *v.fraction);
  if (v.samples) object.set("samples", *v.samples);
  if (v.folds) object.set("folds", *v.folds), object.set("fold", v.fold);
  object.set("stratified", v.stratified);
  return object;
}

Json record_json(const RecordConfig& r) {
  const auto list = [](const auto& values) { return std::vector<Json>(values.begin(), values.end()); };
  Json object = Json::object();
  if (r.every_steps) object.set("every_steps", *r.every_steps);
  if (r.every_epochs) object.set("every_epochs", *r.every_epochs);
  object.set("steps", list(r.steps));
  object.set("activations", list(r.activations));
  object.set("gradients", list(r.gradients));
  object.set("weights", list(r.weights));
  return object;
}

Json training_json(const TrainingConfig& t) {
  Json object = Json::object();
  if (t.epochs) object.set("epochs", *t.epochs);
  if (t.steps) object.set("steps", *t.steps);
  object.set("batch_size", t.batch_size);
  object.set("accumulate", t.accumulate);
  object.set("last_batch", t.drop_last_batch ? "drop" : "keep");
  object.set("shuffle", t.shuffle);
  object.set("on_nonfinite", t.skip_nonfinite ? "skip" : "stop");
  if (t.average) {
    Json& average = object.set("average", Json::object());
    average.set("decay", t.average->decay), average.set("warm_up", t.average->warm_up);
    average.set("evaluate", t.average->evaluate ? "average" : "last");
  }
  if (t.clip.value || t.clip.norm) {
    Json& clip = object.set("clip", Json::object());
    if (t.clip.value) clip.set("value", *t.clip.value);
    if (t.clip.norm) clip.set("norm", *t.clip.norm);
  }
  write_training_parts(object, t);
  return object;
}

}  // namespace

Json resolved(const Experiment& e) {
  Json root = Json::object();
  root.set("name", e.name);
  if (!e.description.empty()) root.set("description", e.description);
  root.set("seed", e.seed);
  if (e.dataset) {
    Json dataset = plugin_json(*e.dataset);
    if (e.validation.any()) dataset.set("validation", validation_json(e.validation));
    if (e.class_weights) dataset.set("class_weights", "balanced");
    root.set("dataset", std::move(dataset));
  }
  Json transforms = Json::array();
  for (const TransformConfig& t : e.transforms) {
    Json object = plugin_json(t.transform);
    if (t.columns.size() == 1)
      object.set("input", t.columns[0]);
    else
      object.set("inputs", std::vector<Json>(t.columns.begin(), t.columns.end()));
    transforms.push_back(std::move(object));
  }
  root.set("transforms", std::move(transforms));

  Json layers = Json::array();
  for (const LayerConfig& layer : e.layers) layers.push_back(layer_json(e, layer));
  root.set("network", Json::object()).set("layers", std::move(layers));

  Json losses = Json::array();
  for (const LossConfig& loss : e.losses) losses.push_back(loss_json(e, loss));
  root.set("loss", losses.items().size() == 1 ? losses.items()[0] : losses);
  Json metrics = Json::array();
  for (const MetricConfig& m : e.metrics) {
    Json object = plugin_json(m.metric);
    object.set("name", m.name);
    add_inputs(object, e, m);
    metrics.push_back(std::move(object));
  }
  root.set("metrics", std::move(metrics));

  Json& optimizer = root.set("optimizer", plugin_json(e.optimizer));
  optimizer.set("learning_rate", e.learning_rate);
  Json groups = Json::array();
  for (const GroupConfig& group : e.groups) groups.push_back(group_json(group));
  if (!e.groups.empty()) optimizer.set("groups", std::move(groups));
  if (e.schedules.size() == 1) {
    root.set("schedule", plugin_json(e.schedules[0].schedule));
  } else {
    Json& schedules = root.set("schedule", Json::array());
    for (const ScheduleConfig& s : e.schedules) {
      Json object = plugin_json(s.schedule);
      if (s.epochs) object.set("for_epochs", *s.epochs);
      if (s.steps) object.set("for_steps", *s.steps);
      schedules.push_back(std::move(object));
    }
  }
  root.set("training", training_json(e.training));
  root.set("backend", plugin_json(e.backend));
  if (e.initial_weights) {
    Json& weights = root.set("initial_weights", Json::object());
    weights.set("file", e.initial_weights->file);
    Json& map = weights.set("map", Json::object());
    for (const auto& [from, to] : e.initial_weights->map) map.set(from, to);
    weights.set("strict", e.initial_weights->strict);
  }
  Json& checkpoint = root.set("checkpoint", Json::object());
  checkpoint.set("every_epochs", e.checkpoint.every_epochs);
  if (e.checkpoint.every_steps) checkpoint.set("every_steps", *e.checkpoint.every_steps);
  checkpoint.set("keep", e.checkpoint.keep);
  if (e.record) root.set("record", record_json(*e.record));
  root.set("logging", Json::object()).set("every_steps", e.log_every_steps);
  return root;
}

}  // namespace lamina
