#include "config/reader.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "config/domain.hpp"

namespace lamina {

void check_declaration(const Descriptor& d, const Section& section) {
  for (const Parameter& p : d.parameters) {
    DomainText check(p.domain);
    for (const Parameter& field : p.fields) DomainText check_field(field.domain);
    if (std::ranges::find(section.names, p.name) != section.names.end())
      throw std::runtime_error("The " + d.kind + " plugin " + in_quotes(d.name) + " declares a parameter " + in_quotes(p.name) +
                               ", which is a key of the experiment file itself.");
  }
  for (const Key& key : section.keys)
    if (key.form == Form::overrides) check_declaration(d, lamina::section(section.path + "." + key.parameter.name + "[]"));
}

namespace {

/// Where each setting of `object` stands; `name` is what is put in front of its keys.
void note_places(const std::vector<Parameter>& parameters, const Json& object, const std::string& pointer, const std::string& name,
                 std::vector<std::pair<std::string, Place>>& places) {
  for (const Parameter& p : parameters) {
    const Json* value = object.given(p.name);
    if (!value) continue;
    const std::string here = pointer_to(pointer, p.name);
    places.push_back({name + p.name, {value->position, here}});
    if (p.fields.empty() || !value->is_object()) continue;
    for (const Member& m : value->members()) {
      places.push_back({name + p.name + "." + m.key, {m.value.position, pointer_to(here, m.key)}});
      note_places(p.fields, m.value, pointer_to(here, m.key), name + p.name + "." + m.key + ".", places);
    }
  }
}

}  // namespace

const Place& PluginConfig::place_of(const std::string& setting) const {
  for (std::string name = setting; !name.empty(); name.resize(name.find('.') == name.npos ? 0 : name.rfind('.')))
    for (const auto& [known, there] : given)
      if (known == name) return there;
  return place;
}

std::string SectionReader::Part::text(std::string_view name) const {
  const Attribute* a = find_setting(values, name);
  return a && !a->texts.empty() ? a->texts[0] : "";
}
std::vector<std::string> SectionReader::Part::texts(std::string_view name) const {
  const Attribute* a = find_setting(values, name);
  return a ? a->texts : std::vector<std::string>();
}
int64_t SectionReader::Part::integer(std::string_view name) const {
  const Attribute* a = find_setting(values, name);
  return a && !a->integers.empty() ? a->integers[0] : 0;
}
double SectionReader::Part::real(std::string_view name) const {
  const Attribute* a = find_setting(values, name);
  return a && !a->reals.empty() ? a->reals[0] : 0;
}

const Descriptor* SectionReader::plugin(const Section& section, const std::string& name, const Place& place) {
  const std::string& kind = section.kind;
  if (const auto at = found_.find({kind, name}); at != found_.end() && at->second) return at->second;
  if (!names_.contains(kind)) names_[kind] = catalogue_.names(kind);
  const std::vector<std::string>& names = names_[kind];
  const Descriptor*& found = found_[{kind, name}];
  if (std::ranges::find(names, name) == names.end()) {
    faults.add(place, "no " + kind + " plugin is named " + in_quotes(name) + suggestion(name, names));
    return nullptr;
  }
  try {
    const Descriptor& d = catalogue_.find(kind, name);
    check_declaration(d, section);
    return found = &d;
  } catch (const std::exception& error) {
    faults.add(place, error.what(), Exit::plugin);
    return nullptr;
  }
}

SectionReader::Part SectionReader::part(const std::string& section_path, const Json& object, const std::string& pointer,
                                        const std::vector<std::string>& extra) {
  const Section& s = section(section_path);
  Part part;
  part.plugin.place = {object.position, pointer};
  if (!object.is_object()) {
    faults.add(part.plugin.place, s.owner + " is " + object.kind_text() + "; wanted an object");
    return part;
  }
  part.values = read_settings(s.parameters, object, pointer, folder, faults);
  for (const std::string& name : s.required) {
    if (object.given(name)) continue;
    const Json* null = object.find(name);
    faults.add(null ? Place{null->position, pointer_to(pointer, name)} : part.plugin.place,
               in_quotes(name) + " of " + s.owner + " is missing");
  }
  for (const Choice& c : s.choices) {
    const Json *first = object.given(c.first), *second = object.given(c.second);
    if (first && second)
      faults.add({second->position, pointer_to(pointer, c.second)},
                 s.owner + " has either " + in_quotes(c.first) + " or " + in_quotes(c.second) + ", this has both");
    if (!first && !second && c.needed)
      faults.add(part.plugin.place, in_quotes(c.first) + " or " + in_quotes(c.second) + " of " + s.owner + " is missing");
  }
  std::vector<std::string> known = s.names;
  known.insert(known.end(), extra.begin(), extra.end());
  std::string owner = s.owner;
  if (!s.kind.empty()) {
    const Json* type = object.given("type");
    if (part.has("type"))
      part.plugin.plugin = plugin(s, part.text("type"), {type ? type->position : object.position, pointer_to(pointer, "type")});
    if (const Descriptor* d = part.plugin.plugin) {
      part.plugin.settings = read_settings(d->parameters, object, pointer, folder, faults);
      for (const Parameter& p : d->parameters) known.push_back(p.name);
      note_places(d->parameters, object, pointer, "", part.plugin.given);
      owner = s.kind + " " + in_quotes(d->name);
    } else if (type || !object.given("block")) {
      return part;  // whose keys these are is not known
    }
  }
  check_keys(object, pointer, known, owner, faults);
  return part;
}

SectionReader::Part SectionReader::overriding(const std::string& section_path, const Json& object, const std::string& pointer,
                                              const PluginConfig& around) {
  std::vector<Parameter> given;
  std::vector<std::string> names;
  if (!around.plugin && object.is_object())  // whose keys these are is not known
    for (const Member& m : object.members()) names.push_back(m.key);
  if (around.plugin)
    for (Parameter p : around.plugin->parameters) {
      names.push_back(p.name);
      p.flags &= ~uint32_t(LAMINA_REQUIRED);
      if (object.is_object() && object.given(p.name)) given.push_back(p);
    }
  Part part = this->part(section_path, object, pointer, names);
  const Place place = part.plugin.place;
  part.plugin = around, part.plugin.place = place, part.plugin.given.clear();
  if (!object.is_object()) return part;
  part.overrides = read_settings(given, object, pointer, folder, faults);
  for (const Parameter& p : given)  // an object of names is replaced as a whole
    std::erase_if(part.plugin.settings, [&](const Attribute& a) { return a.name == p.name || a.name.starts_with(p.name + ".*"); });
  part.plugin.settings.insert(part.plugin.settings.end(), part.overrides.begin(), part.overrides.end());
  note_places(given, object, pointer, "", part.plugin.given);
  part.plugin.given.insert(part.plugin.given.end(), around.given.begin(), around.given.end());
  return part;
}

}  // namespace lamina
