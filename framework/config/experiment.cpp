#include "config/experiment.hpp"

#include <algorithm>
#include <set>

#include "base/files.hpp"
#include "base/nearest.hpp"
#include "base/text.hpp"
#include "config/domain.hpp"
#include "config/keys.hpp"
#include "config/merge.hpp"
#include "config/network.hpp"
#include "config/resolved.hpp"

namespace lamina {
namespace {

using Part = SectionReader::Part;

std::optional<int64_t> integer_if(const Part& part, std::string_view name) {
  return part.has(name) ? std::optional(part.integer(name)) : std::nullopt;
}
std::optional<double> real_if(const Part& part, std::string_view name) {
  return part.has(name) ? std::optional(part.real(name)) : std::nullopt;
}

/// A name for runs: the file's without ending, other characters as -.
std::string name_of_file(const std::filesystem::path& file) {
  std::string name = file.stem().string();
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '-') c = '-';
  return name.empty() ? "experiment" : name;
}

bool is_run_name(const std::string& name) {
  return !name.empty() && name.size() <= 100 &&
         std::ranges::all_of(name, [](unsigned char c) { return c < 128 && (std::isalnum(c) || c == '_' || c == '-'); });
}

class Loader {
 public:
  Loader(const Json& document, SectionReader& reader) : document_(document), reader_(reader) {}

  Experiment load(const std::filesystem::path& file) {
    const Part root = reader_.part("", document_, "");
    out_.seed = root.integer("seed");
    out_.description = root.text("description");
    out_.name = root.has("name") ? root.text("name") : name_of_file(file);
    if (!is_run_name(out_.name))
      fault("name", "/name", "the name " + in_quotes(out_.name) + " is not made of at most 100 of A-Z a-z 0-9 _ -");
    dataset();
    Network network = layers();
    losses(network);
    metrics(network);
    out_.layers = std::move(network.layers);
    rest();
    return std::move(out_);
  }

 private:
  static const Json& nothing() {
    static const Json empty = Json::object();
    return empty;
  }
  void fault(const char* key, const std::string& pointer, const std::string& sentence) {
    const Json* value = document_.given(key);
    reader_.faults.add({value ? value->position : document_.position, pointer}, sentence);
  }

  void dataset() {
    if (const Json* d = document_.given("dataset")) {
      const Part dataset = reader_.part("dataset", *d, "/dataset");
      out_.dataset = dataset.plugin;
      out_.class_weights = dataset.has("class_weights");
      if (const Json* v = d->given("validation")) {
        const Part part = reader_.part("dataset.validation", *v, "/dataset/validation");
        out_.validation = {real_if(part, "fraction"), integer_if(part, "samples"), integer_if(part, "folds"),
                           part.integer("fold"),      part.boolean("stratified"),  part.plugin.place};
        const ValidationConfig& c = out_.validation;
        const Json* fold = v->given("fold");
        const Place place = fold ? Place{fold->position, "/dataset/validation/fold"} : c.place;
        if (c.folds && c.fold > *c.folds)
          reader_.faults.add(place, "\"fold\" is " + std::to_string(c.fold) + ", there are " + std::to_string(*c.folds) + " folds");
        if (fold && !c.folds) reader_.faults.add(place, "\"fold\" is one of \"folds\", which is missing");
      }
    }
    const Json* list = document_.given("transforms");
    if (!list) return;
    if (!list->is_array())
      return fault("transforms", "/transforms", std::string("\"transforms\" is ") + list->kind_text() + "; wanted a list of objects");
    if (!out_.dataset && !list->items().empty())
      fault("transforms", "/transforms", "transforms change the columns of a dataset, and the experiment has none");
    for (size_t i = 0; i < list->items().size(); ++i) {
      const Part part = reader_.part("transforms[]", list->items()[i], pointer_to("/transforms", i));
      out_.transforms.push_back({part.plugin, transformed(part)});
    }
  }
  /// The columns that a transform changes.
  std::vector<std::string> transformed(const Part& part) {
    const Descriptor* d = part.plugin.plugin;
    std::vector<std::string> columns;
    if (part.has("input")) {
      columns = {part.text("input")};
    } else if (part.has("inputs")) {
      columns = part.texts("inputs");
    } else if (d && d->inputs.size() > 1) {
      for (const Port& port : d->inputs) columns.push_back(port.name);
    } else {
      columns = {"input"};
    }
    const auto fault = [&](const std::string& sentence) { reader_.faults.add(part.plugin.place, sentence); };
    if (d && columns.size() != d->inputs.size())
      fault("transform " + in_quotes(d->name) + " changes " + counted(int64_t(d->inputs.size()), "column") + ", got " +
            std::to_string(columns.size()));
    for (size_t i = 0; i < columns.size(); ++i)
      if (std::find(columns.begin(), columns.begin() + ptrdiff_t(i), columns[i]) != columns.begin() + ptrdiff_t(i))
        fault("the column " + in_quotes(columns[i]) + " stands twice in \"inputs\"");
    return columns;
  }

  Network layers() {
    std::vector<std::string> columns;
    bool open = false;
    if (out_.dataset) {
      const Descriptor* d = out_.dataset->plugin;
      open = !d || d->results.empty();
      for (size_t i = 0; d && i < d->results.size(); ++i) {
        columns.push_back(d->results[i].name);
        open |= bool(d->results[i].flags & LAMINA_MANY);
      }
    }
    if (out_.class_weights) columns.push_back(class_weight);
    const Json* network = document_.given("network");
    if (network && network->is_object()) return Network(*network, columns, open, reader_);
    if (network) reader_.part("network", *network, "/network");
    have_network_ = false;
    return Network(nothing(), columns, true, reader_);
  }

  Reference reference(Network& network, const Json& object, const std::string& pointer, const Part& part, const char* key,
                      const Reference& otherwise) {
    const Json* value = object.find(key);
    if (!value || !value->is_text()) return otherwise;
    return resolve(network, part.text(key), {value->position, pointer_to(pointer, key)});
  }
  Reference resolve(Network& network, const std::string& name, const Place& place) {
    return have_network_ ? network.resolve(name, place) : Reference{name, 0, 0, place};
  }
  /// The third input, sample weights, where it is given.
  std::optional<Reference> weight(Network& network, const Json& object, const std::string& pointer, const Part& part) {
    if (!part.has("weight")) return std::nullopt;
    const Place place{object.find("weight")->position, pointer_to(pointer, "weight")};
    const Descriptor* d = part.plugin.plugin;
    if (d && d->inputs.size() < 3) reader_.faults.add(place, "the " + d->kind + " " + in_quotes(d->name) + " takes no weights");
    return resolve(network, part.text("weight"), place);
  }

  /// What dataset.class_weights gives a loss that names no weights: the first, and others of the same target that take some.
  std::optional<Reference> by_class(Network& network, const Part& part, const Reference& target) {
    const bool first = out_.losses.empty();
    if (!first && (!target.is_column() || target.column != out_.losses[0].target.column)) return std::nullopt;
    const Descriptor* d = part.plugin.plugin;
    const bool takes = !d || d->inputs.size() > 2;
    if (first && !takes)
      reader_.faults.add(part.plugin.place,
                         "the loss " + in_quotes(d->name) + " takes no weights; leave out \"class_weights\" of the dataset");
    return takes ? std::optional(resolve(network, class_weight, part.plugin.place)) : std::nullopt;
  }

  void losses(Network& network) {
    const Json* given = document_.given("loss");
    if (!given) return;
    if (!given->is_array()) return loss(network, *given, "/loss", false);
    if (given->items().empty()) fault("loss", "/loss", "\"loss\" is an empty list; wanted one or more losses");
    for (size_t i = 0; i < given->items().size(); ++i) loss(network, given->items()[i], pointer_to("/loss", i), true);
  }
  void loss(Network& network, const Json& object, const std::string& pointer, bool one_of_many) {
    const Part part = reader_.part("loss", object, pointer);
    LossConfig loss;
    loss.loss = part.plugin;
    loss.name = part.has("name") ? part.text("name") : one_of_many ? part.text("type") : "";
    loss.scale = part.real("scale");
    loss.prediction = reference(network, object, pointer, part, "prediction", network.last(part.plugin.place));
    if (loss.prediction.is_column() && !reader_.faults.any())
      reader_.faults.add(loss.prediction.place, "the prediction is a layer, " + in_quotes(loss.prediction.column) + " is none");
    const Json* target = object.find("target");
    const Place place = target ? Place{target->position, pointer + "/target"} : part.plugin.place;
    if (object.is_object()) loss.target = resolve(network, part.text("target"), place);
    loss.weight = weight(network, object, pointer, part);
    if (!loss.weight && out_.class_weights) loss.weight = by_class(network, part, loss.target);
    if (!loss.name.empty()) column(loss.column(), loss.name, "loss", object, pointer);
    out_.losses.push_back(std::move(loss));
  }
  /// A column of the records that a loss or metric asks for by its name.
  void column(const std::string& column, const std::string& name, const std::string& kind, const Json& object, const std::string& pointer) {
    const Json* given = object.find("name");
    const Place place{(given ? *given : object).position, given ? pointer + "/name" : pointer};
    if (given && !is_name(name))
      reader_.faults.add(place, "the " + kind + " name " + in_quotes(name) + " is not made of a-z, 0-9 and _, beginning with a letter");
    if (!columns_.insert(column).second)
      reader_.faults.add(place, "a second column would be named " + in_quotes(column) + "; give the " + kind + " a \"name\"");
  }

  void metrics(Network& network) {
    const Json* list = document_.given("metrics");
    if (!list) return;
    if (!list->is_array())
      return fault("metrics", "/metrics", std::string("\"metrics\" is ") + list->kind_text() + "; wanted a list of names or objects");
    const LossConfig first = out_.losses.empty() ? LossConfig{} : out_.losses[0];
    for (size_t i = 0; i < list->items().size(); ++i) {
      const std::string pointer = pointer_to("/metrics", i);
      Json object = list->items()[i];
      if (object.is_text()) {  // a name alone, in the place of the type
        Json named = Json::object();
        named.position = object.position;
        SourceText source = object.position.source ? *object.position.source : SourceText{};
        source.pointer = pointer;
        object.position.source = std::make_shared<const SourceText>(std::move(source));
        named.set("type", object);
        object = std::move(named);
      }
      const Part part = reader_.part("metrics[]", object, pointer);
      MetricConfig metric;
      metric.metric = part.plugin;
      metric.name = part.has("name") ? part.text("name") : part.text("type");
      metric.prediction = reference(network, object, pointer, part, "prediction", first.prediction);
      metric.target = reference(network, object, pointer, part, "target", first.target);
      metric.weight = weight(network, object, pointer, part);
      if (!metric.name.empty()) column(metric.name, metric.name, "metric", object, pointer);
      out_.metrics.push_back(std::move(metric));
    }
  }

  void rest() {
    if (const Json* object = document_.given("optimizer")) {
      const Part part = reader_.part("optimizer", *object, "/optimizer");
      out_.optimizer = part.plugin;
      out_.learning_rate = part.real("learning_rate");
      if (const Json* list = object->is_object() ? object->given("groups") : nullptr) groups(*list);
    }
    schedules();
    out_.backend = section_or_default("backend").plugin;
    if (const Json* object = document_.given("training")) training(*object);
    if (const Json* object = document_.given("initial_weights")) weights(*object);
    const Part checkpoint = section_or_default("checkpoint");
    out_.checkpoint = {checkpoint.integer("every_epochs"), integer_if(checkpoint, "every_steps"), checkpoint.integer("keep")};
    if (const Json* object = document_.given("record")) record(*object);
    out_.log_every_steps = section_or_default("logging").integer("every_steps");
  }

  void groups(const Json& list) {
    const std::string pointer = "/optimizer/groups";
    if (!list.is_array())
      return reader_.faults.add({list.position, pointer}, std::string("\"groups\" is ") + list.kind_text() + "; wanted a list of objects");
    for (size_t i = 0; i < list.items().size(); ++i) {
      const Json& object = list.items()[i];
      const std::string here = pointer_to(pointer, i);
      const Part part = reader_.overriding("optimizer.groups[]", object, here, out_.optimizer);
      GroupConfig group{{}, part.overrides, part.plugin, real_if(part, "learning_rate"), 1, part.boolean("trainable")};
      if (!group.learning_rate) group.learning_rate_scale = part.real("learning_rate_scale");
      if (group.learning_rate && out_.learning_rate == 0)
        reader_.faults.add({object.find("learning_rate")->position, here + "/learning_rate"},
                           "it stands in proportion to the optimizer's \"learning_rate\", which is 0");
      if (const Json* match = object.is_object() ? object.given("match") : nullptr) group.patterns = patterns(*match, here + "/match");
      out_.groups.push_back(std::move(group));
    }
  }
  std::vector<std::pair<std::string, Place>> patterns(const Json& match, const std::string& pointer) {
    std::vector<std::pair<std::string, Place>> all;
    const auto add = [&](const Json& name, const std::string& at) {
      if (name.is_text())
        all.push_back({name.text(), {name.position, at}});
      else
        reader_.faults.add({name.position, at}, std::string("a name in \"match\" is ") + name.kind_text() + "; wanted a text");
    };
    if (!match.is_array()) add(match, pointer);
    if (match.is_array() && match.items().empty()) reader_.faults.add({match.position, pointer}, "\"match\" is an empty list");
    for (size_t i = 0; match.is_array() && i < match.items().size(); ++i) add(match.items()[i], pointer_to(pointer, i));
    return all;
  }

  void schedules() {
    const Json* given = document_.given("schedule");
    const auto take = [&](const Json& object, const std::string& pointer, bool last) {
      const Part part = reader_.part("schedule", object, pointer);
      ScheduleConfig s{part.plugin, integer_if(part, "for_epochs"), integer_if(part, "for_steps")};
      const bool length = object.given("for_epochs") || object.given("for_steps");
      if (length && last)
        reader_.faults.add(part.plugin.place, "the last schedule has the rest of the run; leave out \"for_epochs\" and \"for_steps\"");
      if (!length && !last && object.is_object())
        reader_.faults.add(part.plugin.place, "how long this schedule lasts is missing: \"for_epochs\" or \"for_steps\"");
      if (s.epochs && !out_.dataset) reader_.faults.add(part.plugin.place, "without a dataset there are no epochs; give \"for_steps\"");
      out_.schedules.push_back(std::move(s));
    };
    if (!given || !given->is_array()) return take(given ? *given : nothing(), "/schedule", true);
    if (given->items().empty()) fault("schedule", "/schedule", "\"schedule\" is an empty list; wanted one or more schedules");
    for (size_t i = 0; i < given->items().size(); ++i) take(given->items()[i], pointer_to("/schedule", i), i + 1 == given->items().size());
  }

  Part section_or_default(const char* key) {
    const Json* object = document_.given(key);
    return reader_.part(key, object ? *object : nothing(), std::string("/") + key);
  }

  void training(const Json& object) {
    const Part part = reader_.part("training", object, "/training");
    if (!object.is_object()) return;
    TrainingConfig& t = out_.training;
    t.epochs = integer_if(part, "epochs"), t.steps = integer_if(part, "steps");
    const Place place{object.position, "/training"};
    if (!out_.dataset && object.given("epochs")) reader_.faults.add(place, "without a dataset there are no epochs; give \"steps\"");
    if (out_.dataset && !object.given("batch_size")) reader_.faults.add(place, "\"batch_size\" is missing");
    t.batch_size = part.has("batch_size") ? part.integer("batch_size") : 1;
    t.drop_last_batch = part.text("last_batch") == "drop";
    t.shuffle = part.boolean("shuffle");
    t.skip_nonfinite = part.text("on_nonfinite") == "skip";
    t.accumulate = part.integer("accumulate");
    if (!out_.dataset && t.accumulate > 1) reader_.faults.add(place, "without a dataset there are no batches to \"accumulate\"");
    if (const Json* given = object.given("average")) {
      const Part average = reader_.part("training.average", *given, "/training/average");
      t.average = {average.real("decay"), average.boolean("warm_up"), average.text("evaluate") == "average"};
    }
    if (const Json* given = object.given("clip")) {
      const Part clip = reader_.part("training.clip", *given, "/training/clip");
      t.clip = {real_if(clip, "value"), real_if(clip, "norm")};
    }
    t.overfit_batches = integer_if(part, "overfit_batches");
    t.validation = {part.integer("validate_every_epochs"), integer_if(part, "validate_every_steps")};
    std::vector<KnownColumn> columns = {{"train_loss", false}};
    for (const std::string& name : score_names(out_)) {
      const bool metric = std::ranges::find(out_.metrics, name, &MetricConfig::name) != out_.metrics.end();
      columns.push_back({"validation_" + name, metric ? std::nullopt : std::optional(false)});
    }
    read_training_parts(object, columns, reader_, t);
  }

  void record(const Json& object) {
    const Part part = reader_.part("record", object, "/record");
    const auto texts = [&](const char* name) {
      const Attribute* a = find_setting(part.values, name);
      return a ? a->texts : std::vector<std::string>();
    };
    RecordConfig r{integer_if(part, "every_steps"),
                   integer_if(part, "every_epochs"),
                   {},
                   texts("activations"),
                   texts("gradients"),
                   texts("weights"),
                   part.plugin.place};
    if (const Attribute* steps = find_setting(part.values, "steps")) r.steps = steps->integers;
    std::ranges::sort(r.steps);
    if (!r.every_steps && !r.every_epochs && r.steps.empty())
      reader_.faults.add(r.place, "when to record is missing: \"every_steps\", \"every_epochs\" or \"steps\"");
    if (r.activations.empty() && r.gradients.empty() && r.weights.empty())
      reader_.faults.add(r.place, "what to record is missing: \"activations\", \"gradients\" or \"weights\", like [\"*\"]");
    out_.record = std::move(r);
  }

  void weights(const Json& object) {
    const Part part = reader_.part("initial_weights", object, "/initial_weights");
    WeightsConfig weights{part.text("file"), {}, part.boolean("strict"), part.plugin.place};
    if (const Json* map = object.given("map")) {
      const std::string pointer = "/initial_weights/map";
      if (!map->is_object())
        reader_.faults.add({map->position, pointer}, std::string("\"map\" is ") + map->kind_text() + "; wanted an object of names");
      for (size_t i = 0; map->is_object() && i < map->members().size(); ++i) {
        const Member& m = map->members()[i];
        if (m.value.is_text())
          weights.map[m.key] = m.value.text();
        else
          reader_.faults.add({m.value.position, pointer_to(pointer, m.key)},
                             std::string("the name is ") + m.value.kind_text() + "; wanted a text");
      }
    }
    out_.initial_weights = std::move(weights);
  }

  const Json& document_;
  SectionReader& reader_;
  Experiment out_;
  std::set<std::string> columns_ = {"loss", "regularization_loss"};  ///< of the records, as far as they are named in the file
  bool have_network_ = true;
};

std::vector<Reference> references(const Experiment& e) {
  std::vector<Reference> all;
  const auto add = [&](const Reference& target, const std::optional<Reference>& weight) {
    all.push_back(target);
    if (weight) all.push_back(*weight);
  };
  for (const LayerConfig& layer : e.layers) all.insert(all.end(), layer.inputs.begin(), layer.inputs.end());
  for (const LossConfig& loss : e.losses) add(loss.target, loss.weight);
  for (const MetricConfig& m : e.metrics) add(m.target, m.weight), all.push_back(m.prediction);
  return all;
}

std::string backend_type(const Json& document) {
  const Json* block = document.given("backend");
  const Json* type = block && block->is_object() ? block->given("type") : nullptr;
  if (type && type->is_text()) return type->text();
  for (const Parameter& p : section("backend").parameters)
    if (p.name == "type") return p.initial->texts.at(0);
  return "";
}

/// Another backend than the file's keeps the file's settings that it takes too. The others go with the old one, and `device`, which names
/// one of its devices. What an override says stays, to be checked.
void shed_settings(Json& document, Catalogue& catalogue) try {
  Json* block = document.find("backend");
  const Descriptor& now = catalogue.find("backend", backend_type(document));
  std::vector<std::string> gone;
  for (const Member& m : block->members()) {
    const bool of_file = m.value.position.source && m.value.position.source->has_lines;
    if (of_file && m.key != "type" && (m.key == "device" || takes(now, m.key, m.value) != Takes::yes)) gone.push_back(m.key);
  }
  for (const std::string& key : gone) block->erase(key);
} catch (const std::exception&) {  // the reader of the section tells what is wrong with the plugin, with its place
}

}  // namespace

Takes takes(const Descriptor& plugin, const std::string& key, const Json& value) {
  const auto p = std::ranges::find(plugin.parameters, key, &Parameter::name);
  if (p == plugin.parameters.end()) return Takes::not_the_key;
  const DomainText domain(p->domain);
  return !value.is_text() || domain.words().empty() || domain.contains(value.text()) ? Takes::yes : Takes::not_the_value;
}

Experiment load_experiment(const std::string& text, const std::filesystem::path& file, Catalogue& catalogue,
                           const std::vector<std::string>& overrides) {
  const auto folder = std::filesystem::absolute(file).parent_path().lexically_normal();
  SectionReader reader(catalogue, folder);
  std::optional<Json> document = read_extended(text, file, reader.faults);
  if (!document) reader.faults.throw_if_any();
  const std::string backend = backend_type(*document);
  for (const std::string& assignment : overrides) apply_override(*document, assignment, reader.faults);
  if (backend_type(*document) != backend) shed_settings(*document, catalogue);
  Experiment experiment = Loader(*document, reader).load(file);
  reader.faults.throw_if_any();
  experiment.file = file, experiment.source = text, experiment.overrides = overrides;
  experiment.resolved = resolved(experiment);
  return experiment;
}

Experiment load_experiment(const std::filesystem::path& file, Catalogue& catalogue, const std::vector<std::string>& overrides) {
  std::string text;
  try {
    text = read_file(file, json_byte_limit);
  } catch (const std::exception& error) {
    Faults faults;
    faults.add({}, error.what());
    faults.throw_if_any();
  }
  return load_experiment(text, file, catalogue, overrides);
}

std::vector<std::string> score_names(const Experiment& experiment) {
  std::vector<std::string> names = {"loss"};
  for (const LossConfig& loss : experiment.losses)
    if (!loss.name.empty()) names.push_back(loss.column());
  for (const MetricConfig& m : experiment.metrics) names.push_back(m.name);
  return names;
}

void check_columns(const Experiment& experiment, const std::vector<std::string>& columns) {
  Faults faults;
  std::vector<std::string> known = columns;
  for (const LayerConfig& layer : experiment.layers) known.push_back(layer.path);
  for (const Reference& r : references(experiment))
    if (r.is_column() && std::ranges::find(columns, r.column) == columns.end() && !faults.full())
      faults.add(r.place, "there is no layer or dataset column " + in_quotes(r.column) + did_you_mean(r.column, known) +
                              " columns: " + joined(columns));
  for (const TransformConfig& t : experiment.transforms)
    for (const std::string& column : t.columns)
      if (std::ranges::find(columns, column) == columns.end())
        faults.add(t.transform.place, "the dataset has no column " + in_quotes(column) + suggestion(column, columns));
  faults.throw_if_any();
}

}  // namespace lamina
