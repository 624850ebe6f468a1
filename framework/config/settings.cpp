#include "config/settings.hpp"

#include <algorithm>
#include <map>

#include "base/nearest.hpp"
#include "base/text.hpp"
#include "config/domain.hpp"

namespace lamina {
namespace {

constexpr uint32_t element_type(const Parameter& p) { return p.type & ~uint32_t(LAMINA_LIST); }
constexpr bool is_list(const Parameter& p) { return p.type & LAMINA_LIST; }

const std::vector<std::string>& dtype_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (uint32_t t = LAMINA_FLOAT32; t <= LAMINA_BOOL; ++t) all.push_back(name_of(DType(t)));
    return all;
  }();
  return names;
}

const std::vector<std::string> padding_words = {"same", "same_lower", "valid"};
const int64_t padding_codes[] = {LAMINA_PAD_SAME, LAMINA_PAD_SAME_LOWER, 0};

std::string choice(const std::vector<std::string>& words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + in_quotes(words[i]);
  return text;
}

/// "an integer", "integers"
std::string noun(const Parameter& p, bool plural) {
  switch (element_type(p)) {
    case LAMINA_BOOLEAN:
      return plural ? "booleans (true or false)" : "true or false";
    case LAMINA_INTEGER:
      return plural ? "integers" : "an integer";
    case LAMINA_REAL:
      return plural ? "numbers" : "a number";
    case LAMINA_DTYPE:
      return (plural ? "element types: " : "an element type: ") + choice(dtype_names());
    default:
      return p.flags & LAMINA_PATH ? (plural ? "paths" : "the path of a file or folder") : (plural ? "texts" : "a text");
  }
}

std::string shown(const Json& value) {
  if (value.is_text()) return in_quotes(value.text(), 40);
  if (value.is_array() || value.is_object()) return value.kind_text();
  return to_text(value, false);
}

/// Reads one value of one parameter.
class Reading {
 public:
  /// `otherwise` is what else may stand there, for messages.
  Reading(const Parameter& parameter, const std::filesystem::path& folder, Faults& faults, std::string otherwise = "")
      : parameter_(parameter), domain_(parameter.domain), folder_(folder), faults_(faults), otherwise_(std::move(otherwise)) {}

  /// False when `value` is not what the parameter takes; the fault is told.
  bool read(const Json& value, const std::string& pointer) {
    if (!is_list(parameter_)) return element(value, pointer);
    if (parameter_.flags & LAMINA_PADDING) return padding(value, pointer);
    if ((parameter_.flags & LAMINA_PER_AXIS) && !value.is_array()) return element(value, pointer);
    if (!value.is_array()) return refuse(value, pointer);
    if ((parameter_.flags & LAMINA_PER_AXIS) && value.items().empty()) return refuse(value, pointer, "an empty list");
    bool good = true;
    for (size_t i = 0; i < value.items().size(); ++i) good &= element(value.items()[i], pointer_to(pointer, i));
    return good;
  }
  Attribute result() const {
    Attribute a(parameter_.name, int64_t(0));
    a.type = parameter_.type, a.integers = integers_, a.reals = reals_, a.texts = texts_;
    return a;
  }

 private:
  bool refuse(const Json& value, const std::string& pointer, const std::string& what = "") {
    std::string nearest_word;
    if (value.is_text()) nearest_word = did_you_mean(value.text(), words_of(parameter_));
    faults_.add({value.position, pointer}, in_quotes(parameter_.name) + " is " + (what.empty() ? shown(value) : what) + "; wanted " +
                                               wanted(parameter_) + otherwise_ + nearest_word);
    return false;
  }
  /// A number, a list of numbers or of pairs of them, or a word, as LAMINA_PADDING says.
  bool padding(const Json& value, const std::string& pointer) {
    if (const auto word = value.is_text() ? std::ranges::find(padding_words, value.text()) : padding_words.end();
        word != padding_words.end()) {
      integers_.push_back(padding_codes[word - padding_words.begin()]);
      return true;
    }
    if (!value.is_array()) return element(value, pointer);
    const auto& items = value.items();
    if (items.empty()) return refuse(value, pointer, "an empty list");
    const bool sides = std::ranges::any_of(items, [](const Json& item) { return item.is_array(); });
    if (sides) integers_.push_back(LAMINA_PAD_SIDES);
    bool good = true;
    for (size_t i = 0; i < items.size(); ++i) {
      const std::string here = pointer_to(pointer, i);
      if (!sides)
        good &= element(items[i], here);
      else if (!items[i].is_array() || items[i].items().size() != 2)
        good = refuse(items[i], here);
      else
        for (size_t k = 0; k < 2; ++k) good &= element(items[i].items()[k], pointer_to(here, k));
    }
    return good;
  }
  bool element(const Json& value, const std::string& pointer) {
    switch (element_type(parameter_)) {
      case LAMINA_BOOLEAN:
        if (!value.is_boolean()) return refuse(value, pointer);
        integers_.push_back(value.boolean());
        return true;
      case LAMINA_INTEGER:
        if (!value.is_integer() || !domain_.contains(double(value.integer()))) return refuse(value, pointer);
        integers_.push_back(value.integer());
        return true;
      case LAMINA_REAL:
        if (!value.is_number() || !domain_.contains(value.number())) return refuse(value, pointer);
        reals_.push_back(value.number());
        return true;
      case LAMINA_DTYPE: {
        const auto& names = dtype_names();
        const auto at = value.is_text() ? std::ranges::find(names, value.text()) : names.end();
        if (at == names.end()) return refuse(value, pointer);
        integers_.push_back(LAMINA_FLOAT32 + (at - names.begin()));
        return true;
      }
      default:
        if (!value.is_text() || !domain_.contains(value.text())) return refuse(value, pointer);
        if ((parameter_.flags & LAMINA_PATH) && value.text().empty()) return refuse(value, pointer);
        texts_.push_back(parameter_.flags & LAMINA_PATH ? path_of(value) : value.text());
        return true;
    }
  }

  /// Relative to the experiment's file; on the command line to the current folder.
  std::string path_of(const Json& value) const {
    const bool of_file = !value.position.source || value.position.source->has_lines;
    return ((of_file ? folder_ : std::filesystem::current_path()) / value.text()).lexically_normal().string();
  }

  const Parameter& parameter_;
  const DomainText domain_;
  const std::filesystem::path& folder_;
  Faults& faults_;
  const std::string otherwise_;
  Shape integers_;
  std::vector<double> reals_;
  std::vector<std::string> texts_;
};

Json element_json(const Attribute& a, size_t i) {
  switch (a.type & ~uint32_t(LAMINA_LIST)) {
    case LAMINA_BOOLEAN:
      return a.integers[i] != 0;
    case LAMINA_INTEGER:
      return a.integers[i];
    case LAMINA_REAL:
      return a.reals[i];
    case LAMINA_DTYPE:
      return name_of(DType(a.integers[i]));
    default:
      return a.texts[i];
  }
}

Json padding_json(const Shape& code) {
  for (size_t k = 0; k < padding_words.size(); ++k)
    if (code[0] < 0 && code[0] == padding_codes[k]) return padding_words[k];
  if (code[0] != LAMINA_PAD_SIDES) return code.size() == 1 ? Json(code[0]) : Json(std::vector<Json>(code.begin(), code.end()));
  Json sides = Json::array();
  for (size_t i = 1; i + 1 < code.size(); i += 2) sides.push_back(std::vector<Json>{code[i], code[i + 1]});
  return sides;
}
/// The value as it is written in an experiment.
Json written(const Parameter& p, const Attribute& a) {
  if (p.flags & LAMINA_PADDING) return padding_json(a.integers);
  return (p.flags & LAMINA_PER_AXIS) && a.count() == 1 ? element_json(a, 0) : to_json(a);
}

std::vector<std::string> names_of(const std::vector<Parameter>& parameters) {
  std::vector<std::string> names;
  for (const Parameter& p : parameters) names.push_back(p.name);
  return names;
}
std::string keys_of(const Parameter& p) { return p.name + ".*"; }
std::string list_of(const Parameter& p, const Parameter& field) { return keys_of(p) + "." + field.name; }

/// The settings of one key of an object of names: as read_settings; a plain value stands for the first field.
std::vector<Attribute> read_entry(const Parameter& p, const Member& entry, const std::string& pointer, const std::filesystem::path& folder,
                                  Faults& faults) {
  if (entry.value.is_object()) {
    check_keys(entry.value, pointer, names_of(p.fields), in_quotes(entry.key) + " in " + in_quotes(p.name), faults);
    return read_settings(p.fields, entry.value, pointer, folder, faults);
  }
  Parameter first = p.fields[0];
  first.name = entry.key;
  Reading reading(first, folder, faults, ", or an object with " + joined(names_of(p.fields)));
  if (!reading.read(entry.value, pointer)) return {};
  Json rest = Json::object();
  rest.set(p.fields[0].name, entry.value), rest.position = entry.value.position;
  return read_settings(p.fields, rest, pointer, folder, faults);
}

/// The keys of an object of names, and of each field a list with one element per key.
void read_named(const Parameter& p, const Json& value, const std::string& pointer, const std::filesystem::path& folder, Faults& faults,
                std::vector<Attribute>& settings) {
  if (!value.is_object()) return faults.add({value.position, pointer}, in_quotes(p.name) + " is " + shown(value) + "; wanted " + wanted(p));
  Attribute keys(keys_of(p), std::vector<std::string>());
  std::vector<Attribute> lists;
  for (const Parameter& field : p.fields) {
    Attribute& list = lists.emplace_back(list_of(p, field), int64_t(0));
    list.type = field.type | LAMINA_LIST, list.integers.clear();
  }
  for (const Member& m : value.members()) {
    if (m.value.is_null()) continue;  // as if it were not there
    const std::string here = pointer_to(pointer, m.key);
    if (!is_name(m.key))
      faults.add({m.position, here}, "the name " + in_quotes(m.key) + " is not made of a-z, 0-9 and _, beginning with a letter");
    const std::vector<Attribute> entry = read_entry(p, m, here, folder, faults);
    keys.texts.push_back(m.key);
    for (size_t i = 0; i < lists.size(); ++i)
      if (const Attribute* a = find_setting(entry, p.fields[i].name)) {  // else a fault is told
        lists[i].integers.insert(lists[i].integers.end(), a->integers.begin(), a->integers.end());
        lists[i].reals.insert(lists[i].reals.end(), a->reals.begin(), a->reals.end());
        lists[i].texts.insert(lists[i].texts.end(), a->texts.begin(), a->texts.end());
      }
  }
  if (keys.texts.empty()) return;
  settings.push_back(std::move(keys));
  settings.insert(settings.end(), lists.begin(), lists.end());
}

Json named_json(const Parameter& p, const Attribute& keys, std::span<const Attribute> settings) {
  Json object = Json::object();
  for (size_t k = 0; k < keys.texts.size(); ++k) {
    Json& entry = object.set(keys.texts[k], Json::object());
    for (const Parameter& field : p.fields)
      if (const Attribute* list = find_setting(settings, list_of(p, field)); list && k < list->count())
        entry.set(field.name, element_json(*list, k));
  }
  return object;
}

}  // namespace

std::string wanted(const Parameter& p) {
  if (!p.fields.empty()) return "an object of names, each with " + joined(names_of(p.fields));
  const DomainText domain(p.domain);
  const std::string limits = p.domain.empty() ? "" : domain.words().empty() ? "in " + p.domain : choice(domain.words());
  if (!is_list(p)) return limits.empty() ? noun(p, false) : domain.words().empty() ? noun(p, false) + " " + limits : limits;
  if (p.flags & LAMINA_PADDING)
    return noun(p, false) + " " + limits + " for all sides, a list with one or with [low, high] per axis, or " + choice(padding_words);
  const std::string list = "a list of " + noun(p, true) + (limits.empty() ? "" : ", each " + limits);
  return p.flags & LAMINA_PER_AXIS ? list + ", or one for all axes" : list;
}

std::vector<Attribute> read_settings(std::span<const Parameter> parameters, const Json& object, const std::string& pointer,
                                     const std::filesystem::path& folder, Faults& faults) {
  std::vector<Attribute> settings;
  for (const Parameter& p : parameters) {
    const Json* value = object.find(p.name);
    if (value && !p.fields.empty() && !value->is_null()) {
      read_named(p, *value, pointer_to(pointer, p.name), folder, faults, settings);
    } else if (value && !(value->is_null() && !(p.flags & LAMINA_REQUIRED))) {
      Reading reading(p, folder, faults);
      if (reading.read(*value, pointer_to(pointer, p.name))) settings.push_back(reading.result());
    } else if (p.flags & LAMINA_REQUIRED) {
      faults.add({object.position, pointer}, in_quotes(p.name) + " is missing; wanted " + wanted(p));
    } else if (p.initial && p.initial->count()) {
      settings.push_back(*p.initial);
      if (p.flags & LAMINA_PATH)
        for (std::string& text : settings.back().texts)
          if (!text.empty()) text = (folder / text).lexically_normal().string();
    }
  }
  return settings;
}

void check_keys(const Json& object, const std::string& pointer, std::span<const std::string> known, const std::string& owner,
                Faults& faults) {
  for (const Member& m : object.members()) {
    if (std::ranges::find(known, m.key) != known.end()) continue;
    if (faults.full()) return;
    faults.add({m.position, pointer_to(pointer, m.key)},
               "unknown key " + in_quotes(m.key) + " of " + owner + suggestion(m.key, {known.begin(), known.end()}));
  }
}

const Attribute* find_setting(std::span<const Attribute> settings, std::string_view name) {
  const auto at = std::ranges::find(settings, name, &Attribute::name);
  return at == settings.end() ? nullptr : &*at;
}

Json to_json(const Attribute& a) {
  if (!a.is_list()) return element_json(a, 0);
  Json list = Json::array();
  for (size_t i = 0; i < a.count(); ++i) list.push_back(element_json(a, i));
  return list;
}

Json to_json(std::span<const Parameter> parameters, std::span<const Attribute> settings) {
  Json object = Json::object();
  for (const Parameter& p : parameters)
    if (const Attribute* keys = p.fields.empty() ? nullptr : find_setting(settings, keys_of(p)))
      object.set(p.name, named_json(p, *keys, settings));
    else if (const Attribute* a = find_setting(settings, p.name))
      object.set(p.name, written(p, *a));
  return object;
}

std::string type_text(const Parameter& p, bool with_domain) {
  if (!p.fields.empty()) return "object of names, each a plain " + p.fields[0].name + " or an object with " + joined(names_of(p.fields));
  static const std::map<uint32_t, std::string> names = {{LAMINA_BOOLEAN, "boolean"},
                                                        {LAMINA_INTEGER, "integer"},
                                                        {LAMINA_REAL, "real"},
                                                        {LAMINA_TEXT, "text"},
                                                        {LAMINA_DTYPE, "element type"}};
  const auto at = names.find(element_type(p));
  const std::string name = p.flags & LAMINA_PATH ? "path" : at == names.end() ? "unknown type" : at->second;
  const bool alone = !is_list(p) || (p.flags & (LAMINA_PER_AXIS | LAMINA_PADDING));
  std::string text = !alone ? "list of " + name + "s" : name;
  if (with_domain && !p.domain.empty()) text += (DomainText(p.domain).words().empty() ? " in " : ": ") + p.domain;
  if (p.flags & LAMINA_PADDING)
    return text + ", for all sides or a list with one or with [low, high] per axis; or " + joined(padding_words);
  return p.flags & LAMINA_PER_AXIS ? text + ", for all axes or a list with one per axis" : text;
}

std::vector<std::string> words_of(const Parameter& p) {
  if (p.flags & LAMINA_PADDING) return padding_words;
  return element_type(p) == LAMINA_DTYPE ? dtype_names() : DomainText(p.domain).words();
}

Json default_of(const Parameter& p) {
  if (!p.initial || !p.initial->count()) return nullptr;
  return written(p, *p.initial);
}

std::string facts_text(const Parameter& p) {
  std::string text = type_text(p);
  if (!p.unit.empty()) text += ", in " + p.unit;
  if (p.flags & LAMINA_REQUIRED)
    text += "; required";
  else if (const Json initial = default_of(p); !initial.is_null())
    text += "; default " + to_line(initial);
  else
    text += "; optional";
  if (p.flags & LAMINA_PER_STEP) text += "; may change from step to step";
  return text;
}

}  // namespace lamina
