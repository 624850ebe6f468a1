#include "config/training_parts.hpp"

#include <algorithm>

#include "base/nearest.hpp"
#include "base/text.hpp"
#include "config/reader.hpp"

namespace lamina {
namespace {

using Part = SectionReader::Part;

/// The metric that a section follows, and which way is better.
FollowedMetric followed(const Part& part, const Json& object, const std::string& pointer, const std::vector<KnownColumn>& columns,
                        SectionReader& reader) {
  const Json* named = object.given("metric");
  FollowedMetric metric{part.text("metric"), false, named ? Place{named->position, pointer + "/metric"} : part.plugin.place};
  const std::string mode = part.text("mode");
  const auto known = std::ranges::find(columns, metric.name, &KnownColumn::name);
  if (known == columns.end()) {
    std::vector<std::string> names;
    for (auto& c : columns) names.push_back(c.name);
    reader.faults.add(metric.place, "no column of the epochs' record is named " + in_quotes(metric.name) + suggestion(metric.name, names));
  } else if (mode == "auto" && !known->larger_is_better) {
    reader.faults.add(metric.place,
                      "whether " + in_quotes(metric.name) + " is better small or large is not known; wanted \"mode\": \"min\" or \"max\"");
  } else {
    metric.larger_is_better = mode == "auto" ? *known->larger_is_better : mode == "max";
  }
  return metric;
}

Json followed_json(const FollowedMetric& metric) {
  Json object = Json::object();
  object.set("metric", metric.name);
  object.set("mode", metric.larger_is_better ? "max" : "min");
  return object;
}

}  // namespace

void read_training_parts(const Json& object, const std::vector<KnownColumn>& columns, SectionReader& reader, TrainingConfig& training) {
  if (const Json* stop = object.given("early_stopping")) {
    const std::string pointer = "/training/early_stopping";
    const Part part = reader.part("training.early_stopping", *stop, pointer);
    if (stop->is_object())
      training.early_stopping = {followed(part, *stop, pointer, columns, reader), part.integer("patience"), part.real("min_delta")};
  }
  if (const Json* keep = object.given("keep_best")) {
    const std::string pointer = "/training/keep_best";
    Json settings = *keep;
    if (keep->is_boolean()) settings = Json::object(), settings.position = keep->position;  // true: with every default
    const Part part = reader.part("training.keep_best", settings, pointer);
    if (settings.is_object() && !(keep->is_boolean() && !keep->boolean()))
      training.keep_best = followed(part, settings, pointer, columns, reader);
  }
  if (const Json* sampling = object.given("sampling")) {
    const Part part = reader.part("training.sampling", *sampling, "/training/sampling");
    const Json *column = sampling->find("column"), *balanced = sampling->given("balanced");
    training.sampling = {part.text("column"), {column ? column->position : sampling->position, "/training/sampling"}};
    if (balanced && balanced->is_boolean() && !balanced->boolean())
      reader.faults.add({balanced->position, "/training/sampling/balanced"},
                        "\"balanced\" is true where it stands; else leave out \"sampling\"");
    if (!training.shuffle)
      reader.faults.add(part.plugin.place, "\"sampling\" draws samples at random, \"shuffle\": false keeps their order: give one of them");
  }
}

void write_training_parts(Json& object, const TrainingConfig& training) {
  object.set("validate_every_epochs", training.validation.every_epochs);
  if (training.validation.every_steps) object.set("validate_every_steps", *training.validation.every_steps);
  if (training.early_stopping) {
    Json& stop = object.set("early_stopping", followed_json(training.early_stopping->metric));
    stop.set("patience", training.early_stopping->patience);
    stop.set("min_delta", training.early_stopping->min_delta);
  }
  if (training.keep_best) object.set("keep_best", followed_json(*training.keep_best));
  if (training.sampling) {
    Json& sampling = object.set("sampling", Json::object());
    sampling.set("type", "weighted");
    if (training.sampling->column.empty())
      sampling.set("balanced", true);
    else
      sampling.set("column", training.sampling->column);
  }
  if (training.overfit_batches) object.set("overfit_batches", *training.overfit_batches);
}

}  // namespace lamina
