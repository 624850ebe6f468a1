#include "config/keys.hpp"

#include <map>
#include <stdexcept>

#include "base/text.hpp"
#include "config/settings.hpp"

namespace lamina {
namespace {

constexpr uint32_t structure = 0;  // an object or a list of objects, read by code of its own
constexpr uint32_t texts = uint32_t(LAMINA_TEXT) | LAMINA_LIST;

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
    {"loss", "the loss", "loss"},
    {"metrics[]", "a metric", "metric"},
    {"optimizer", "the optimizer", "optimizer"},
    {"schedule", "the schedule", "schedule"},
    {"training", "the training section", ""},
    {"backend", "the backend", "backend"},
    {"initial_weights", "the initial weights", ""},
    {"checkpoint", "the checkpoint section", ""},
    {"logging", "the logging section", ""},
};

struct Key {
  const char *section, *name;
  uint32_t type, flags;
  const char *domain, *initial, *doc;  // initial: the default as it is written in the file; "" = none
};
constexpr const char *counts = "[1, inf)", *any = "";
constexpr uint32_t required = LAMINA_REQUIRED;

constexpr Key keys[] = {
    {"", "$schema", LAMINA_TEXT, 0, any, "", "JSON Schema for editors; not read"},
    {"", "extends", structure, 0, any, "", "file or files this one changes (JSON Merge Patch, RFC 7396), in order; relative to this file"},
    {"", "name", LAMINA_TEXT, 0, any, "", "name of the runs, out of A-Z a-z 0-9 _ -; else the file's name without ending"},
    {"", "description", LAMINA_TEXT, 0, any, "", "what the experiment shows, for people"},
    {"", "seed", LAMINA_INTEGER, 0, "[0, inf)", "1", "from which all random numbers follow"},
    {"", "dataset", structure, 0, any, "", "where samples come from; may be absent when the network needs none"},
    {"", "transforms", structure, 0, any, "", "list of what is done to each batch, in order"},
    {"", "network", structure, required, any, "", "blocks and layers"},
    {"", "loss", structure, required, any, "", "what is minimised"},
    {"", "metrics", structure, 0, any, "", "list of what is measured in evaluation: names, or objects"},
    {"", "optimizer", structure, required, any, "", "the update rule"},
    {"", "schedule", structure, 0, any, "", "the learning rate over time"},
    {"", "training", structure, required, any, "", "how long, in which batches"},
    {"", "backend", structure, 0, any, "", "where it is computed"},
    {"", "initial_weights", structure, 0, any, "", "weights to start from instead of the initializers'"},
    {"", "checkpoint", structure, 0, any, "", "how often the state is saved"},
    {"", "logging", structure, 0, any, "", "how often losses are recorded"},

    {"dataset", "type", LAMINA_TEXT, required, any, "", "dataset plugin"},
    {"dataset", "validation", structure, 0, any, "",
     "part of the training samples that is held back; absent: none, unless the dataset has its own"},
    {"dataset.validation", "fraction", LAMINA_REAL, 0, "(0, 1)", "", "of the training samples"},
    {"dataset.validation", "samples", LAMINA_INTEGER, 0, counts, "", "number of training samples"},

    {"transforms[]", "type", LAMINA_TEXT, required, any, "", "transform plugin"},
    {"transforms[]", "input", LAMINA_TEXT, 0, any, "\"input\"", "column it changes"},

    {"network", "blocks", structure, 0, any, "", "sub-networks by name, for layers with \"block\""},
    {"network", "layers", structure, required, any, "", "list of layers"},
    {"network.blocks.*", "parameters", structure, 0, any, "",
     "name: default; null for one that each use must give. ${name} stands for the value"},
    {"network.blocks.*", "layers", structure, required, any, "", "list of layers; the last one's result is the block's"},

    {"network.layers[]", "type", LAMINA_TEXT, 0, any, "", "layer plugin; a layer has either type or block"},
    {"network.layers[]", "block", LAMINA_TEXT, 0, any, "", "block of this network; its parameters stand beside"},
    {"network.layers[]", "name", LAMINA_TEXT, 0, any, "", "unique, out of a-z 0-9 _; else the type with a number: relu_1"},
    {"network.layers[]", "inputs", texts, 0, any, "",
     "layers, dataset columns, layer.result, or in a block \"in\"; else the layer before, or column \"input\""},
    {"network.layers[]", "trainable", LAMINA_BOOLEAN, 0, any, "true", "false: its parameters stay as they are"},
    {"network.layers[]", "training", LAMINA_BOOLEAN, 0, any, "true", "false: it behaves as in evaluation always"},
    {"network.layers[]", "learning_rate_scale", LAMINA_REAL, 0, "[0, inf)", "1.0", "factor of the learning rate for its parameters"},
    {"network.layers[]", "share", LAMINA_TEXT, 0, any, "", "layer of the same type whose parameters and state it uses"},
    {"network.layers[]", "initializer", structure, 0, any, "", "{type, …} for \"weight\", or parameter name: {type, …}"},
    {"network.layers[].initializer", "type", LAMINA_TEXT, required, any, "", "initializer plugin"},

    {"loss", "type", LAMINA_TEXT, required, any, "", "loss plugin"},
    {"loss", "prediction", LAMINA_TEXT, 0, any, "", "layer; else the last one of the file"},
    {"loss", "target", LAMINA_TEXT, 0, any, "\"target\"", "dataset column or layer"},
    {"loss", "weight", LAMINA_TEXT, 0, any, "", "dataset column or layer with weights of the samples, for losses that take them"},

    {"metrics[]", "type", LAMINA_TEXT, required, any, "", "metric plugin"},
    {"metrics[]", "name", LAMINA_TEXT, 0, any, "", "column in the records, out of a-z 0-9 _; else the type"},
    {"metrics[]", "prediction", LAMINA_TEXT, 0, any, "", "layer; else the loss's"},
    {"metrics[]", "target", LAMINA_TEXT, 0, any, "", "dataset column or layer; else the loss's"},
    {"metrics[]", "weight", LAMINA_TEXT, 0, any, "", "dataset column or layer with weights of the samples"},

    {"optimizer", "type", LAMINA_TEXT, required, any, "", "optimizer plugin"},
    {"optimizer", "learning_rate", LAMINA_REAL, required, "[0, inf)", "", "step size, before the schedule"},
    {"schedule", "type", LAMINA_TEXT, 0, any, "\"constant\"", "schedule plugin"},

    {"training", "epochs", LAMINA_INTEGER, 0, counts, "", "passes over the training samples; either epochs or steps"},
    {"training", "steps", LAMINA_INTEGER, 0, counts, "", "number of updates"},
    {"training", "batch_size", LAMINA_INTEGER, 0, "[1, 2147483647]", "", "samples per update; required with a dataset"},
    {"training", "last_batch", LAMINA_TEXT, 0, "keep | drop", "\"keep\"", "what happens to samples that fill no whole batch"},
    {"training", "shuffle", LAMINA_BOOLEAN, 0, any, "true", "a new order in each epoch"},
    {"training", "on_nonfinite", LAMINA_TEXT, 0, "stop | skip", "\"stop\"", "what a step with NaN or infinite gradients does"},

    {"backend", "type", LAMINA_TEXT, 0, any, "\"cpu\"", "backend plugin"},

    {"initial_weights", "file", LAMINA_TEXT, required | LAMINA_PATH, any, "", "HDF5 file: a checkpoint, or arrays named layer/parameter"},
    {"initial_weights", "map", structure, 0, any, "", "name in the file: name in the network"},
    {"initial_weights", "strict", LAMINA_BOOLEAN, 0, any, "true", "every parameter must be found, and every array used"},

    {"checkpoint", "every_epochs", LAMINA_INTEGER, 0, counts, "1", "epochs between two checkpoints"},
    {"checkpoint", "every_steps", LAMINA_INTEGER, 0, counts, "", "steps between two checkpoints, besides those of epochs"},
    {"checkpoint", "keep", LAMINA_INTEGER, 0, counts, "2", "newest checkpoints that are kept"},

    {"logging", "every_steps", LAMINA_INTEGER, 0, counts, "1", "steps between two records of the loss"},
};

Parameter parameter_of(const Key& key) {
  Parameter p;
  p.name = key.name, p.type = key.type, p.flags = key.flags, p.domain = key.domain, p.doc = key.doc;
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

const std::vector<Section>& sections() {
  static const std::vector<Section> all = [] {
    std::vector<Section> built;
    for (const Owner& owner : owners) {
      Section& s = built.emplace_back(Section{owner.path, owner.owner, owner.kind, {}, {}, {}});
      for (const Key& key : keys) {
        if (s.path != key.section) continue;
        s.names.push_back(key.name);
        if (key.type != structure)
          s.parameters.push_back(parameter_of(key));
        else if (key.flags & LAMINA_REQUIRED)
          s.required.push_back(key.name);
      }
    }
    return built;
  }();
  return all;
}

std::string cell(std::string text) {  // | separates cells
  for (size_t at = 0; (at = text.find('|', at)) != text.npos; at += 2) text.insert(at, 1, '\\');
  return text;
}

}  // namespace

const Section& section(const std::string& path) {
  for (const Section& s : sections())
    if (s.path == path) return s;
  throw std::logic_error("There is no section " + in_quotes(path) + " of the experiment file.");
}

std::string config_reference() {
  std::string text = "| key | type | default | meaning |\n|---|---|---|---|\n";
  for (const Section& s : sections()) {
    for (const Key& key : keys) {
      if (s.path != key.section) continue;
      Parameter shape;
      shape.type = key.type, shape.flags = key.flags, shape.domain = key.domain;
      const std::string type = key.type == structure ? "object or list" : type_text(shape);
      text += "| `" + s.path + (s.path.empty() ? "" : ".") + key.name + "` | " + cell(type) + " | " +
              (key.flags & LAMINA_REQUIRED ? "required"
               : *key.initial              ? "`" + std::string(key.initial) + "`"
                                           : "") +
              " | " + cell(key.doc) + " |\n";
    }
    if (!s.kind.empty()) text += "| `" + s.path + ".…` | | | settings of the " + s.kind + " plugin |\n";
  }
  return text;
}

}  // namespace lamina
