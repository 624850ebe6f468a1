#include "config/example.hpp"

#include "config/keys.hpp"
#include "config/settings.hpp"

namespace lamina {
namespace {

/// `text` as JSON; null where it is none.
Json parsed(const std::string& text) {
  Faults faults;
  Json value = parse_json(text, SourceText{"the example"}, faults);
  return faults.any() ? Json() : value;
}

/// Names for the tensors that a layer reads in its example, where it reads more than one: those of its inputs, numbered where one repeats.
std::vector<Json> read_names(const Descriptor& d) {
  const Json shapes = parsed(d.example_shape);
  const size_t count = shapes.is_array() ? shapes.items().size() : 0;
  std::vector<Json> names;
  for (size_t i = 0; count > 1 && !d.inputs.empty() && i < count; ++i) {
    const Port& port = d.inputs[std::min(i, d.inputs.size() - 1)];
    names.push_back(port.name + (port.flags & LAMINA_MANY ? std::to_string(i + 2 - d.inputs.size()) : ""));
  }
  return names;
}

/// Whether the experiment's reader would take it.
bool legal(const Descriptor& d, const Section& section, const Json& object) {
  Faults faults;
  read_settings(section.parameters, object, "", "/", faults);
  read_settings(d.parameters, object, "", "/", faults);
  std::vector<std::string> known = section.names;
  for (const Parameter& p : d.parameters) known.push_back(p.name);
  check_keys(object, "", known, "", faults);
  return !faults.any();
}

}  // namespace

Json example_of(const Descriptor& d) {
  const Section* section = section_of_kind(d.kind);
  const Json settings = d.example.empty() ? Json::object() : parsed(d.example);
  if (!section || !settings.is_object()) return nullptr;
  Json object = Json::object();
  object.set("type", d.name);
  if (d.kind == "layer")
    if (std::vector<Json> inputs = read_names(d); !inputs.empty()) object.set("inputs", std::move(inputs));
  for (const Key& key : section->keys)
    if (!key.example.empty()) object.set(key.parameter.name, parsed(key.example));
  for (const Member& m : settings.members()) object.set(m.key, m.value);
  return legal(d, *section, object) ? object : Json();
}

std::string example_text(const Descriptor& d) {
  const Json object = example_of(d);
  if (object.is_null()) return "";
  std::string path = section_of_kind(d.kind)->path;
  const bool list = path.ends_with("[]");
  if (list) path.resize(path.size() - 2);
  const std::string key = path.substr(path.rfind('.') + 1), value = to_line(object);
  return '"' + key + "\": " + (list ? "[" + value + "]" : value);
}

}  // namespace lamina
