#include "config/reader.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "config/domain.hpp"

namespace lamina {
namespace {

/// Throws a sentence when the framework cannot read what the plugin declares.
void check_declaration(const Descriptor& d, const Section& section) {
  for (const Parameter& p : d.parameters) {
    DomainText check(p.domain);
    if (std::ranges::find(section.names, p.name) != section.names.end())
      throw std::runtime_error("The " + d.kind + " plugin " + in_quotes(d.name) + " declares a parameter " + in_quotes(p.name) +
                               ", which is a key of the experiment file itself.");
  }
}

}  // namespace

std::string SectionReader::Part::text(std::string_view name) const {
  const Attribute* a = find_setting(values, name);
  return a && !a->texts.empty() ? a->texts[0] : "";
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
  for (const std::string& name : s.required)
    if (!object.given(name)) faults.add(part.plugin.place, in_quotes(name) + " of " + s.owner + " is missing");
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
      owner = s.kind + " " + in_quotes(d->name);
    } else if (type || !object.given("block")) {
      return part;  // whose keys these are is not known
    }
  }
  check_keys(object, pointer, known, owner, faults);
  return part;
}

}  // namespace lamina
