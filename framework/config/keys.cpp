#include "config/keys.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "base/text.hpp"
#include "config/settings.hpp"

namespace lamina {
namespace {

constexpr uint32_t texts = uint32_t(LAMINA_TEXT) | LAMINA_LIST, integers = uint32_t(LAMINA_INTEGER) | LAMINA_LIST;
constexpr uint32_t single = 1u << 31;  // beside the flags of parameters: see Key::single

/// What stands in the table for a type: that of a plain value, or another form.
struct Type {
  constexpr Type(uint32_t plain) : plain(plain) {}
  constexpr Type(Form form) : form(form) {}
  Form form = Form::plain;
  uint32_t plain = 0;
};

struct Owner {
  const char *path, *owner, *kind;
};
constexpr Owner owners[] = {
    {"", "the experiment", ""},
    {"dataset", "the dataset", "dataset"},
    {"dataset.validation", "the validation split", ""},
    {"transforms[]", "a transform", "transform"},
    {"network", "the network", ""},
    {"network.blocks.*", "a block", ""},
    {"network.layers[]", "a layer", "layer"},
    {"network.layers[].initializer", "an initializer", "initializer"},
    {"network.layers[].regularize", "the regularisation of a parameter", ""},
    {"loss", "the loss", "loss"},
    {"metrics[]", "a metric", "metric"},
    {"optimizer", "the optimizer", "optimizer"},
    {"optimizer.groups[]", "a group of parameters", ""},
    {"schedule", "the schedule", "schedule"},
    {"training", "the training section", ""},
    {"training.clip", "the clipping of gradients", ""},
    {"training.average", "the average of weights", ""},
    {"training.early_stopping", "early stopping", ""},
    {"training.keep_best", "keep_best", ""},
    {"training.sampling", "sampling", ""},
    {"backend", "the backend", "backend"},
    {"initial_weights", "the initial weights", ""},
    {"checkpoint", "the checkpoint section", ""},
    {"logging", "the logging section", ""},
    {"record", "the record section", ""},
};

struct Row {
  const char *section, *name;
  Type type;
  uint32_t flags;
  const char *domain, *initial, *doc;  // initial: the default as it is written in the file; "" = none
  const char *pattern = "", *example = "";
};
constexpr const char *counts = "[1, inf)", *any = "";
constexpr uint32_t required = LAMINA_REQUIRED;
constexpr const char *run_name = "^[A-Za-z0-9_-]{1,100}$", *layer_name = "^[a-z0-9_]+(/[a-z0-9_]+)*$", *column_name = "^[a-z][a-z0-9_]*$";

constexpr Row keys[] = {
    {"", "$schema", LAMINA_TEXT, 0, any, "", "JSON Schema for editors; not read"},
    {"", "extends", Form::files, 0, any, "",
     "file or files this one changes (JSON Merge Patch, RFC 7396), in order; relative to this file"},
    {"", "name", LAMINA_TEXT, 0, any, "", "name of the runs, out of A-Z a-z 0-9 _ -; else the file's name without ending", run_name},
    {"", "description", LAMINA_TEXT, 0, any, "", "what the experiment shows, for people"},
    {"", "seed", LAMINA_INTEGER, 0, "[0, inf)", "1", "from which all random numbers follow"},
    {"", "dataset", Form::object, 0, any, "", "where samples come from; may be absent when the network needs none"},
    {"", "transforms", Form::list, 0, any, "", "list of what is done to each batch, in order"},
    {"", "network", Form::object, required, any, "", "blocks and layers"},
    {"", "loss", Form::one_or_list, required, any, "", "what is minimised; of several losses, the sum"},
    {"", "metrics", Form::names_or_objects, 0, any, "", "list of what is measured in evaluation: names, or objects"},
    {"", "optimizer", Form::object, required, any, "", "the update rule"},
    {"", "schedule", Form::one_or_list, 0, any, "", "the learning rate over time; of several schedules, one after the other"},
    {"", "training", Form::object, required, any, "", "how long, in which batches"},
    {"", "backend", Form::object, 0, any, "", "where it is computed"},
    {"", "initial_weights", Form::object, 0, any, "", "weights to start from instead of the initializers'"},
    {"", "checkpoint", Form::object, 0, any, "", "how often the state is saved"},
    {"", "record", Form::object, 0, any, "", "tensors of some steps that run.h5 keeps"},
    {"", "logging", Form::object, 0, any, "", "how often losses are recorded"},

    {"dataset", "type", LAMINA_TEXT, required, any, "", "dataset plugin"},
    {"dataset", "validation", Form::object, 0, any, "",
     "part of the training samples that is held back; absent: none, unless the dataset has its own"},
    {"dataset", "class_weights", LAMINA_TEXT, 0, "balanced", "",
     "makes the column class_weight, samples / (classes · samples of the class); the loss is weighted with it unless it names another"},
    {"dataset.validation", "fraction", LAMINA_REAL, 0, "(0, 1)", "", "of the training samples"},
    {"dataset.validation", "samples", LAMINA_INTEGER, 0, counts, "", "number of training samples"},
    {"dataset.validation", "folds", LAMINA_INTEGER, 0, "[2, inf)", "", "cross-validation: the training samples are cut into so many parts"},
    {"dataset.validation", "fold", LAMINA_INTEGER, 0, counts, "1", "the part that is held back; `lamina run --fold all` trains with each"},
    {"dataset.validation", "stratified", LAMINA_BOOLEAN, 0, any, "false", "each class of the loss's target is held back in its share"},

    {"transforms[]", "type", LAMINA_TEXT, required, any, "", "transform plugin"},
    {"transforms[]", "input", LAMINA_TEXT, 0, any, "", "column it changes; else \"input\""},
    {"transforms[]", "inputs", texts, 0, any, "", "columns that a transform over several changes; else those named like its inputs"},

    {"network", "blocks", Form::objects_by_name, 0, any, "", "sub-networks by name, for layers with \"block\""},
    {"network", "layers", Form::list, required, any, "", "list of layers"},
    {"network.blocks.*", "parameters", Form::values_by_name, 0, any, "",
     "name: default; null for one that each use must give. ${name} stands for the value"},
    {"network.blocks.*", "layers", Form::block_layers, required, any, "", "list of layers; the last one's result is the block's"},

    {"network.layers[]", "type", LAMINA_TEXT, 0, any, "", "layer plugin; a layer has either type or block"},
    {"network.layers[]", "block", LAMINA_TEXT, 0, any, "", "block of this network; its parameters stand beside"},
    {"network.layers[]", "name", LAMINA_TEXT, 0, any, "", "unique, out of a-z 0-9 _; else the type with a number: relu_1", layer_name},
    {"network.layers[]", "inputs", texts, 0, any, "",
     "layers, dataset columns, layer.result, or in a block \"in\"; else the layer before, or column \"input\""},
    {"network.layers[]", "trainable", LAMINA_BOOLEAN, 0, any, "true", "false: its parameters stay as they are"},
    {"network.layers[]", "training", LAMINA_BOOLEAN, 0, any, "true", "false: it behaves as in evaluation always"},
    {"network.layers[]", "learning_rate_scale", LAMINA_REAL, 0, "[0, inf)", "1.0", "factor of the learning rate for its parameters"},
    {"network.layers[]", "share", LAMINA_TEXT, single, any, "", "layer of the same type whose parameters and state it uses"},
    {"network.layers[]", "initializer", Form::one_or_by_parameter, single, any, "",
     "{type, …} for \"weight\", or parameter name: {type, …}"},
    {"network.layers[]", "regularize", Form::one_or_by_parameter, single, any, "",
     "{l1, l2} of \"weight\", or parameter name: {l1, l2}; l1 · Σ|w| + l2 · Σw² is added to the training loss"},
    {"network.layers[].initializer", "type", LAMINA_TEXT, required, any, "", "initializer plugin"},
    {"network.layers[].regularize", "l1", LAMINA_REAL, 0, "[0, inf)", "0.0", "factor of the sum of absolute values"},
    {"network.layers[].regularize", "l2", LAMINA_REAL, 0, "[0, inf)", "0.0", "factor of the sum of squares"},

    {"loss", "type", LAMINA_TEXT, required, any, "", "loss plugin"},
    {"loss", "prediction", LAMINA_TEXT, 0, any, "", "layer; else the last one of the file"},
    {"loss", "target", LAMINA_TEXT, 0, any, "\"target\"", "dataset column or layer"},
    {"loss", "scale", LAMINA_REAL, 0, any, "1.0", "its factor in the sum of several losses"},
    {"loss", "name", LAMINA_TEXT, 0, any, "", "of its column NAME_loss in the records, out of a-z 0-9 _; else, of several losses, the type",
     column_name},
    {"loss", "weight", LAMINA_TEXT, 0, any, "", "dataset column or layer with weights of the samples, for losses that take them"},

    {"metrics[]", "type", LAMINA_TEXT, required, any, "", "metric plugin"},
    {"metrics[]", "name", LAMINA_TEXT, 0, any, "", "column in the records, out of a-z 0-9 _; else the type", column_name},
    {"metrics[]", "prediction", LAMINA_TEXT, 0, any, "", "layer; else the loss's"},
    {"metrics[]", "target", LAMINA_TEXT, 0, any, "", "dataset column or layer; else the loss's"},
    {"metrics[]", "weight", LAMINA_TEXT, 0, any, "", "dataset column or layer with weights of the samples"},

    {"optimizer", "type", LAMINA_TEXT, required, any, "", "optimizer plugin"},
    {"optimizer", "learning_rate", LAMINA_REAL, required, "[0, inf)", "", "step size, before the schedule", "", "0.01"},
    {"optimizer", "groups", Form::overrides, 0, any, "",
     "list of groups of parameters with settings of their own; a parameter belongs to the first that matches it"},
    {"optimizer.groups[]", "match", Form::one_or_texts, required, any, "", "names layer/parameter; * stands for any characters"},
    {"optimizer.groups[]", "learning_rate", LAMINA_REAL, 0, "[0, inf)", "",
     "in place of the optimizer's; the schedule changes both in the same proportion"},
    {"optimizer.groups[]", "learning_rate_scale", LAMINA_REAL, 0, "[0, inf)", "1.0", "factor of the optimizer's learning rate"},
    {"optimizer.groups[]", "trainable", LAMINA_BOOLEAN, 0, any, "true", "false: these parameters stay as they are"},
    {"schedule", "type", LAMINA_TEXT, 0, any, "\"constant\"", "schedule plugin"},
    {"schedule", "for_epochs", LAMINA_INTEGER, 0, counts, "",
     "of a list: how long it lasts, its own steps counted from 0; the last has the rest"},
    {"schedule", "for_steps", LAMINA_INTEGER, 0, counts, "", "the same in steps"},

    {"training", "epochs", LAMINA_INTEGER, 0, counts, "", "passes over the training samples; either epochs or steps"},
    {"training", "steps", LAMINA_INTEGER, 0, counts, "", "number of updates"},
    {"training", "batch_size", LAMINA_INTEGER, 0, "[1, 2147483647]", "", "samples per batch; required with a dataset"},
    {"training", "accumulate", LAMINA_INTEGER, 0, counts, "1", "batches per update: their gradients are averaged over all samples"},
    {"training", "last_batch", LAMINA_TEXT, 0, "keep | drop", "\"keep\"", "what happens to samples that fill no whole batch"},
    {"training", "shuffle", LAMINA_BOOLEAN, 0, any, "true", "a new order in each epoch"},
    {"training", "on_nonfinite", LAMINA_TEXT, 0, "stop | skip", "\"stop\"", "what a step with NaN or infinite gradients does"},
    {"training", "clip", Form::object, 0, any, "", "limits of the gradients, applied before the optimizer sees them"},
    {"training", "average", Form::object, 0, any, "", "a moving average of the weights, kept beside them"},
    {"training.clip", "value", LAMINA_REAL, 0, "(0, inf)", "", "each element is brought into [−value, value]"},
    {"training.clip", "norm", LAMINA_REAL, 0, "(0, inf)", "",
     "all gradients are scaled by min(1, norm / (n + 1e-6)), n the norm of them all, which is recorded as gradient_norm"},
    {"training.average", "decay", LAMINA_REAL, 0, "[0, 1)", "0.999", "part of the average that stays in an update"},
    {"training.average", "warm_up", LAMINA_BOOLEAN, 0, any, "true",
     "after n updates at most (n − 1)/n of it stays: first it is the plain mean of all weights so far"},
    {"training.average", "evaluate", LAMINA_TEXT, 0, "average | last", "\"average\"", "the weights that evaluation and prediction take"},
    {"training", "validate_every_epochs", LAMINA_INTEGER, 0, counts, "1", "epochs between two validations; the last epoch has one always"},
    {"training", "validate_every_steps", LAMINA_INTEGER, 0, counts, "", "steps between two validations, besides those of epochs"},
    {"training", "early_stopping", Form::object, 0, any, "", "ends the run when a metric gets no better; absent: it has its full length"},
    {"training", "keep_best", Form::object_or_switch, 0, any, "",
     "keeps the weights that were best in a metric, for the scores at the end; true: in validation_loss"},
    {"training", "sampling", Form::object, 0, any, "", "draws samples by weight; absent: each comes once in an epoch"},
    {"training", "overfit_batches", LAMINA_INTEGER, 0, counts, "",
     "a sanity check: every split has its first batches alone, neither shuffled nor transformed at random"},
    {"training.early_stopping", "metric", LAMINA_TEXT, 0, any, "\"validation_loss\"",
     "column of metrics/epoch that is followed: validation_loss, validation_… of a metric, or train_loss", column_name},
    {"training.early_stopping", "patience", LAMINA_INTEGER, 0, counts, "3", "validations without a better value after which the run ends"},
    {"training.early_stopping", "min_delta", LAMINA_REAL, 0, "[0, inf)", "0.0", "a value is better when it is so by more than this"},
    {"training.early_stopping", "mode", LAMINA_TEXT, 0, "auto | min | max", "\"auto\"",
     "which values are better; auto: small ones of a loss, of other metrics it must be said"},
    {"training.keep_best", "metric", LAMINA_TEXT, 0, any, "\"validation_loss\"",
     "column of metrics/epoch that is followed: validation_loss, validation_… of a metric, or train_loss", column_name},
    {"training.keep_best", "mode", LAMINA_TEXT, 0, "auto | min | max", "\"auto\"",
     "which values are better; auto: small ones of a loss, of other metrics it must be said"},
    {"training.sampling", "type", LAMINA_TEXT, 0, "weighted", "\"weighted\"", "as many samples as there are, drawn with replacement"},
    {"training.sampling", "column", LAMINA_TEXT, 0, any, "", "dataset column with the weights, one number per sample"},
    {"training.sampling", "balanced", LAMINA_BOOLEAN, 0, any, "", "true: so that each class of the loss's target comes equally often"},

    {"backend", "type", LAMINA_TEXT, 0, any, "\"cpu\"", "backend plugin"},

    {"initial_weights", "file", LAMINA_TEXT, required | LAMINA_PATH, any, "", "HDF5 file: a checkpoint, or arrays named layer/parameter"},
    {"initial_weights", "map", Form::texts_by_name, 0, any, "", "name in the file: name in the network"},
    {"initial_weights", "strict", LAMINA_BOOLEAN, 0, any, "true", "every parameter must be found, and every array used"},

    {"checkpoint", "every_epochs", LAMINA_INTEGER, 0, counts, "1", "epochs between two checkpoints"},
    {"checkpoint", "every_steps", LAMINA_INTEGER, 0, counts, "", "steps between two checkpoints, besides those of epochs"},
    {"checkpoint", "keep", LAMINA_INTEGER, 0, counts, "2", "newest checkpoints that are kept"},

    {"logging", "every_steps", LAMINA_INTEGER, 0, counts, "1", "steps between two records of the loss"},

    {"record", "every_steps", LAMINA_INTEGER, 0, counts, "", "every so many steps"},
    {"record", "every_epochs", LAMINA_INTEGER, 0, counts, "", "the first step of every so many epochs, from the first on"},
    {"record", "steps", integers, 0, counts, "[]", "these steps, counted from 1"},
    {"record", "activations", texts, 0, any, "[]", "layers whose results are kept, as the step computes them: c1, res*/relu1, *"},
    {"record", "gradients", texts, 0, any, "[]", "parameters whose gradients are kept: c1/weight, */bias"},
    {"record", "weights", texts, 0, any, "[]", "parameters that are kept, as they are before the step's update"},
};

struct Pair {
  const char *section, *first, *second;
  bool needed;
};
constexpr Pair choices[] = {
    {"dataset.validation", "fraction", "samples", false},
    {"dataset.validation", "fraction", "folds", false},
    {"dataset.validation", "samples", "folds", false},
    {"transforms[]", "input", "inputs", false},
    {"network.layers[]", "type", "block", true},
    {"training", "epochs", "steps", true},
    {"optimizer.groups[]", "learning_rate", "learning_rate_scale", false},
    {"training.sampling", "column", "balanced", true},
    {"schedule", "for_epochs", "for_steps", false},
};

Parameter parameter_of(const Row& key) {
  Parameter p;
  p.name = key.name, p.type = key.type.plain, p.flags = key.flags & ~single, p.domain = key.domain, p.doc = key.doc;
  if (!*key.initial) return p;
  // Read like a value of the file, so that the default obeys the key's own type and domain.
  Faults faults;
  Json object = Json::object();
  object.set(key.name, parse_json(key.initial, {"the table of keys"}, faults));
  const auto read = read_settings({&p, 1}, object, "", {}, faults);
  if (faults.any()) throw std::logic_error(faults.sorted()[0].text());
  p.initial = read[0];
  return p;
}

std::vector<Section> built() {
  std::vector<Section> all;
  for (const Owner& owner : owners) {
    Section& s = all.emplace_back(Section{owner.path, owner.owner, owner.kind, {}, {}, {}, {}, {}});
    for (const Row& row : keys) {
      if (s.path != row.section) continue;
      s.names.push_back(row.name);
      const Key& key = s.keys.emplace_back(Key{parameter_of(row), row.type.form, row.pattern, row.example, bool(row.flags & single)});
      if (key.form == Form::plain)
        s.parameters.push_back(key.parameter);
      else if (row.flags & LAMINA_REQUIRED)
        s.required.push_back(row.name);
    }
    for (const Pair& pair : choices)
      if (s.path == pair.section) s.choices.push_back({pair.first, pair.second, pair.needed});
    for (const Row& row : keys)
      s.overrides |= row.type.form == Form::overrides && s.path == std::string(row.section) + "." + row.name + "[]";
  }
  return all;
}

/// The type of a key, for documents.
std::string form_text(const Key& key) {
  switch (key.form) {
    case Form::plain:
      return type_text(key.parameter);
    case Form::object:
      return "object";
    case Form::object_or_switch:
      return "object or boolean";
    case Form::list:
    case Form::overrides:
    case Form::block_layers:
      return "list of objects";
    case Form::names_or_objects:
      return "list of names or objects";
    case Form::objects_by_name:
      return "objects by name";
    case Form::one_or_list:
      return "object or list of objects";
    case Form::one_or_by_parameter:
      return "object, or objects by parameter";
    case Form::values_by_name:
      return "values by name";
    case Form::texts_by_name:
      return "texts by name";
    case Form::one_or_texts:
      return "text or list of texts";
    case Form::files:
      return "path or list of paths";
  }
  return "";
}

std::string cell(std::string text) {  // | separates cells
  for (size_t at = 0; (at = text.find('|', at)) != text.npos; at += 2) text.insert(at, 1, '\\');
  return text;
}

}  // namespace

const std::vector<Section>& sections() {
  static const std::vector<Section> all = built();
  return all;
}

bool Section::is_one(const Json& object) const {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const Json* value = object.find(name);
    return value && !value->is_object();
  });
}

const Section& section(const std::string& path) {
  for (const Section& s : sections())
    if (s.path == path) return s;
  throw std::logic_error("There is no section " + in_quotes(path) + " of the experiment file.");
}

const Section* section_of_kind(const std::string& kind) {
  for (const Section& s : sections())
    if (!kind.empty() && s.kind == kind) return &s;
  return nullptr;
}

std::string config_reference() {
  std::string text = "| key | type | default | meaning |\n|---|---|---|---|\n";
  for (const Section& s : sections()) {
    for (const Key& key : s.keys) {
      const Parameter& p = key.parameter;
      text += "| `" + s.path + (s.path.empty() ? "" : ".") + p.name + "` | " + cell(form_text(key)) + " | " +
              (p.flags & LAMINA_REQUIRED ? "required"
               : p.initial               ? "`" + to_line(default_of(p)) + "`"
                                         : "") +
              " | " + cell(p.doc) + " |\n";
    }
    if (!s.kind.empty()) text += "| `" + s.path + ".…` | | | settings of the " + s.kind + " plugin |\n";
    if (s.overrides) text += "| `" + s.path + ".…` | | | settings of the plugin around, in place of its own |\n";
  }
  return text;
}

}  // namespace lamina
