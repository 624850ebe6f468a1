#include "config/schema.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "config/domain.hpp"
#include "config/keys.hpp"
#include "config/reader.hpp"
#include "config/settings.hpp"

namespace lamina {
namespace {

/// Where an object stands, on which depends what may be written.
enum class Where {
  file,   ///< in a file that is whole
  block,  ///< in a block, where "${name}" may stand for a value
  patch   ///< in a file that extends another: what is missing comes from there, and null takes away
};

constexpr const char *argument = "^\\$\\{[^}]*\\}$", *pasted = "\\$\\{[^}]*\\}", *name_pattern = "^[a-z][a-z0-9_]*$";

Json made(std::vector<Member> members) {
  Json object = Json::object();
  object.members() = std::move(members);
  return object;
}
Json texts(const std::vector<std::string>& words) { return std::vector<Json>(words.begin(), words.end()); }
Json one(Json item) { return std::vector<Json>{std::move(item)}; }

/// "type": one name alone, several as a list.
Json types(const std::vector<std::string>& names) { return names.size() == 1 ? Json(names[0]) : texts(names); }

/// A schema that an object meets when `key` is there and not null.
Json given(const std::string& key) {
  return made({{"required", one(key)}, {"properties", made({{key, made({{"not", made({{"type", "null"}})}})}})}});
}

Json bound(double value) { return std::abs(value) < 1e15 && value == std::floor(value) ? Json(int64_t(value)) : Json(value); }

void add_interval(Json& schema, const std::string& domain) {
  const auto interval = DomainText(domain).interval();
  if (!interval) return;
  if (std::isfinite(interval->low)) schema.set(interval->low_included ? "minimum" : "exclusiveMinimum", bound(interval->low));
  if (std::isfinite(interval->high)) schema.set(interval->high_included ? "maximum" : "exclusiveMaximum", bound(interval->high));
}

/// A plugin's text in Markdown: what would be read as layout is escaped.
std::string plain(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '<' || c == '*' || c == '#' || c == '_') out += '\\';
    out += c;
  }
  return out;
}

void add_documents(Json& schema, const std::string& doc, const std::string& facts = "") {
  schema.set("description", facts.empty() ? doc : doc + " (" + facts + ")");
  schema.set("markdownDescription", facts.empty() ? plain(doc) : plain(doc) + "\n\n`" + facts + "`");
}

class Writer {
 public:
  Writer(Catalogue& catalogue, std::vector<std::string>& left_out) : catalogue_(catalogue), left_out_(left_out) {}

  Json schema() {
    Json keys = Json::object();
    for (const std::string& name : section("").names) keys.set(name, true);
    Json root = made({{"$schema", "http://json-schema.org/draft-07/schema#"},
                      {"title", "Lamina experiment"},
                      {"$comment", "Written by `lamina schema` from what the plugins declare."},
                      {"allowComments", true},
                      {"type", "object"},
                      {"properties", std::move(keys)},
                      {"additionalProperties", false},
                      {"if", made({{"required", one("extends")}})},
                      {"then", reference("", Where::patch)},
                      {"else", reference("", Where::file)}});
    Json definitions = Json::object();
    for (auto& [name, definition] : definitions_) definitions.set(name, std::move(definition));
    root.set("definitions", std::move(definitions));
    return root;
  }

 private:
  // --- values

  /// What one value of a parameter is; what holds for other types too says nothing of them, so that these schemas can be laid together.
  struct Element {
    std::vector<std::string> types;
    Json keywords = Json::object();
    std::vector<std::string> words;
  };
  static Element element(const Parameter& p, const std::string& pattern, Where where) {
    Element e;
    switch (p.type & ~uint32_t(LAMINA_LIST)) {
      case LAMINA_BOOLEAN:
        e.types = {"boolean"};
        break;
      case LAMINA_INTEGER:
        e.types = {"integer"};
        break;
      case LAMINA_REAL:
        e.types = {"number"};
        break;
      default:
        e.types = {"string"};
        e.words = words_of(p);
        if (p.flags & LAMINA_PATH) e.keywords.set("minLength", 1);
        if (!pattern.empty()) e.keywords.set("pattern", where == Where::block ? pattern + "|" + pasted : pattern);
        return e;
    }
    add_interval(e.keywords, p.domain);
    if (where == Where::block) e.types.push_back("string"), e.keywords.set("pattern", argument);
    return e;
  }
  /// A choice of words, perhaps null; in a block also a text with an argument.
  static Json choice(const std::vector<std::string>& words, bool nullable, Where where) {
    std::vector<Json> all(words.begin(), words.end());
    if (nullable) all.push_back(nullptr);
    Json schema = made({{"enum", all}});
    if (where != Where::block) return schema;
    return made({{"anyOf", std::vector<Json>{schema, made({{"type", "string"}, {"pattern", pasted}})}}});
  }
  static Json value(const Parameter& p, Where where, const std::string& pattern = "") {
    const bool nullable = !(p.flags & LAMINA_REQUIRED) || where == Where::patch;
    if (!p.fields.empty()) return object_of_names(p, nullable, where);
    if (p.flags & LAMINA_PADDING) return padding(p, nullable, where);
    const Element e = element(p, pattern, where);
    const bool list = p.type & LAMINA_LIST, per_axis = list && (p.flags & LAMINA_PER_AXIS);
    Json schema = Json::object();
    if (!list && !e.words.empty()) {
      schema = choice(e.words, nullable, where);
    } else {
      Json items = made({{"type", types(e.types)}});
      for (const Member& m : e.keywords.members()) items.set(m.key, m.value);
      if (!e.words.empty()) items = choice(e.words, false, where);
      std::vector<std::string> outer = list ? std::vector<std::string>{"array"} : e.types;
      if (per_axis) outer.insert(outer.begin(), e.types.begin(), e.types.end());
      if (nullable) outer.push_back("null");
      const bool alone = !list || per_axis, whole = list && where == Where::block && std::ranges::find(outer, "string") == outer.end();
      if (whole) outer.push_back("string");
      schema.set("type", types(outer));
      if (alone)
        for (const Member& m : e.keywords.members()) schema.set(m.key, m.value);
      if (whole) schema.set("pattern", argument);
      if (per_axis && !e.words.empty()) schema.set("if", made({{"type", "string"}})), schema.set("then", choice(e.words, false, where));
      if (list) schema.set("items", std::move(items));
      if (per_axis) schema.set("minItems", 1);
    }
    add_documents(schema, p.doc, facts_text(p));
    if (Json initial = default_of(p); !initial.is_null()) schema.set("default", std::move(initial));
    return schema;
  }

  /// A number for all sides, a list with one or with a pair per axis, or a word.
  static Json padding(const Parameter& p, bool nullable, Where where) {
    const Element e = element(p, "", where);
    Json number = made({{"type", types(e.types)}});
    for (const Member& m : e.keywords.members()) number.set(m.key, m.value);
    const Json pair = made({{"type", "array"}, {"items", number}, {"minItems", 2}, {"maxItems", 2}});
    std::vector<std::string> names = {"integer", "array", "string"};
    if (nullable) names.push_back("null");
    Json schema = made({{"type", types(names)}, {"minItems", 1}});
    for (const Member& m : e.keywords.members())
      if (m.key != "pattern") schema.set(m.key, m.value);
    schema.set("if", made({{"type", "string"}}));
    schema.set("then", choice(words_of(p), false, where));
    schema.set("else", made({{"if", made({{"type", "array"}, {"contains", made({{"type", "array"}})}})},
                             {"then", made({{"items", pair}})},
                             {"else", made({{"items", number}})}}));
    add_documents(schema, p.doc, facts_text(p));
    if (Json initial = default_of(p); !initial.is_null()) schema.set("default", std::move(initial));
    return schema;
  }

  /// Under each key of the user's choosing a plain value for the first field, or an object with all.
  static Json object_of_names(const Parameter& p, bool nullable, Where where) {
    Json fields = Json::object();
    std::vector<std::string> required, names = {"object"};
    for (const Parameter& field : p.fields) {
      fields.set(field.name, value(field, where));
      if ((field.flags & LAMINA_REQUIRED) && where != Where::patch) required.push_back(field.name);
    }
    Json whole = made({{"properties", fields}, {"additionalProperties", false}});
    if (!required.empty()) whole.set("required", texts(required));
    Parameter first = p.fields[0];
    first.flags &= ~uint32_t(LAMINA_REQUIRED);  // null: as if the key were not there
    Json entry = made({{"if", made({{"type", "object"}})}, {"then", std::move(whole)}, {"else", value(first, where)}});
    Json schema = Json::object();
    if (nullable) names.push_back("null");
    if (where == Where::block) names.push_back("string"), schema.set("pattern", argument);
    schema.set("type", types(names));
    schema.set("propertyNames", made({{"pattern", name_pattern}}));
    schema.set("additionalProperties", std::move(entry));
    add_documents(schema, p.doc, facts_text(p));
    return schema;
  }

  // --- keys

  /// An object, a list or what else a form is made of; null where the key may be absent, and in a block an argument.
  static Json shaped(const Key& key, std::vector<std::string> names, Where where) {
    Json schema = Json::object();
    if (!(key.parameter.flags & LAMINA_REQUIRED) || where == Where::patch) names.push_back("null");
    if (where == Where::block) names.push_back("string"), schema.set("pattern", argument);
    schema.set("type", types(names));
    add_documents(schema, key.parameter.doc, key.parameter.flags & LAMINA_REQUIRED ? "required" : "");
    return schema;
  }
  static Json object_of(Json reference, Where where = Where::file) {
    Json schema =
        made({{"type", types(where == Where::block ? std::vector<std::string>{"object", "string"} : std::vector<std::string>{"object"})}});
    if (where == Where::block) schema.set("pattern", argument);
    schema.set("allOf", one(std::move(reference)));
    return schema;
  }
  Json property(const Section& s, const Key& key, Where where) {
    const Parameter& p = key.parameter;
    const std::string path = (s.path.empty() ? "" : s.path + ".") + p.name;
    Json schema;
    switch (key.form) {
      case Form::plain:
        return p.name == "type" && !s.kind.empty() ? type_of(s, p, where) : value(p, where, key.pattern);
      case Form::object:
        schema = shaped(key, {"object"}, where);
        schema.set("allOf", one(reference(path, where)));
        return schema;
      case Form::object_or_switch:
        schema = shaped(key, {"object", "boolean"}, where);
        schema.set("if", made({{"type", "object"}}));
        schema.set("then", reference(path, where));
        return schema;
      case Form::list:
      case Form::names_or_objects: {  // a list is replaced whole: its elements are complete, also in a patch
        schema = shaped(key, {"array"}, where);
        Json items = object_of(reference(path + "[]", Where::file));
        if (key.form == Form::names_or_objects) {
          items.set("type", types({"string", "object"}));
          items.set("if", made({{"type", "string"}}));
          items.set("then", made({{"enum", texts(names_alone(section(path + "[]").kind))}}));
        }
        schema.set("items", std::move(items));
        if (p.flags & LAMINA_REQUIRED) schema.set("minItems", 1);
        return schema;
      }
      case Form::overrides:
        schema = shaped(key, {"array"}, where);
        schema.set("items", object_of(reference(path + "[]", Where::file)));
        return schema;
      case Form::objects_by_name:
        schema = shaped(key, {"object"}, where);
        schema.set("propertyNames", made({{"pattern", name_pattern}}));
        schema.set("additionalProperties", object_of(reference(path + ".*", where)));
        return schema;
      case Form::one_or_list: {
        schema = shaped(key, {"object", "array"}, where);
        const Json single = reference(path, where);
        schema.set("if", made({{"type", "array"}}));
        schema.set("then", made({{"items", object_of(single, where)}, {"minItems", 1}}));
        schema.set("else", single);
        return schema;
      }
      case Form::one_or_by_parameter: {
        schema = shaped(key, {"object"}, where);
        const Json single = reference(path, where);
        std::vector<Json> plain;  // see Section::is_one
        for (const std::string& name : section(path).names)
          plain.push_back(made({{"properties", made({{name, made({{"not", made({{"type", "object"}})}})}})}, {"required", one(name)}}));
        schema.set("if", made({{"anyOf", std::move(plain)}}));
        schema.set("then", single);
        schema.set("else", made({{"additionalProperties", object_of(single, where)}}));
        return schema;
      }
      case Form::block_layers:
        schema = shaped(key, {"array"}, where);
        schema.set("items", object_of(reference("network.layers[]", Where::block), Where::block));
        schema.set("minItems", 1);
        return schema;
      case Form::values_by_name:
        schema = shaped(key, {"object"}, where);
        schema.set("propertyNames", made({{"pattern", name_pattern}, {"not", made({{"enum", texts(section("network.layers[]").names)}})}}));
        return schema;
      case Form::texts_by_name:
        schema = shaped(key, {"object"}, where);
        schema.set("additionalProperties", made({{"type", types(where == Where::patch ? std::vector<std::string>{"string", "null"}
                                                                                      : std::vector<std::string>{"string"})}}));
        return schema;
      case Form::files:
        schema = made({{"type", types({"string", "array"})}, {"items", made({{"type", "string"}})}});
        add_documents(schema, p.doc);
        return schema;
      case Form::one_or_texts:
        schema = shaped(key, {"string", "array"}, where);
        schema.set("items", made({{"type", "string"}}));
        schema.set("minItems", 1);
        return schema;
    }
    return schema;
  }

  // --- sections

  Json reference(const std::string& path, Where where) {
    std::string name = path.empty() ? "experiment" : path;
    for (const char* mark : {"[]", ".*"})
      for (size_t at; (at = name.find(mark)) != name.npos;) name.erase(at, 2);
    if (where != Where::file) name = (where == Where::block ? "block." : "extends.") + name;
    return reference(name, [&] { return object(section(path), where); });
  }
  template <class Make>
  Json reference(const std::string& name, Make make) {
    if (definitions_.try_emplace(name).second) definitions_[name] = make();
    return made({{"$ref", "#/definitions/" + name}});
  }

  /// What holds for the objects of a section; that they are objects is said where they stand.
  Json object(const Section& s, Where where) {
    Json properties = Json::object();
    std::vector<std::string> required;
    for (const Key& key : s.keys) {
      properties.set(key.parameter.name, property(s, key, where));
      if ((key.parameter.flags & LAMINA_REQUIRED) && where != Where::patch) required.push_back(key.parameter.name);
    }
    Json schema = made({{"properties", std::move(properties)}});
    if (!required.empty()) schema.set("required", texts(required));
    if (s.kind.empty() && !s.overrides) schema.set("additionalProperties", false);
    std::vector<Json> all;
    for (const Choice& c : s.choices) add_choice(all, s, c, where);
    if (s.path.empty() && where == Where::file) add_rules_of_data(all);
    if (!s.kind.empty()) add_variants(all, s, where);
    if (!all.empty()) schema.set("allOf", std::move(all));
    return schema;
  }

  static void add_choice(std::vector<Json>& all, const Section& s, const Choice& c, Where where) {
    const std::string sentence = s.owner + " has either \"" + c.first + "\" or \"" + c.second + "\", not both";
    all.push_back(made({{"if", given(c.first)},
                        {"then", made({{"properties", made({{c.second, made({{"type", "null"}, {"errorMessage", sentence}})}})}})}}));
    if (c.needed && where != Where::patch) all.push_back(made({{"anyOf", std::vector<Json>{given(c.first), given(c.second)}}}));
    Json alone = Json::object();
    for (const Key& key : s.keys)
      if (key.single) alone.set(key.parameter.name, false);
    if (!alone.members().empty()) all.push_back(made({{"if", given(c.second)}, {"then", made({{"properties", std::move(alone)}})}}));
  }
  /// With a dataset there are batches; without one there are neither epochs nor anything to transform.
  static void add_rules_of_data(std::vector<Json>& all) {
    const Json batches = given("batch_size");
    const Json no_epochs = made({{"not", made({{"allOf", std::vector<Json>{made({{"type", "object"}}), given("epochs")}}})}});
    all.push_back(made({{"if", given("dataset")},
                        {"then", made({{"properties", made({{"training", batches}})}})},
                        {"else", made({{"properties", made({{"training", no_epochs}, {"transforms", made({{"maxItems", 0}})}})}})}}));
  }

  // --- plugins

  Json type_of(const Section& s, const Parameter& p, Where where) {
    std::vector<std::string> names, docs;
    for (const Descriptor* d : plugins(s)) names.push_back(d->name), docs.push_back(d->doc);
    const bool nullable = !(p.flags & LAMINA_REQUIRED) || where == Where::patch;
    Json schema = choice(names, nullable, where);
    if (nullable) docs.push_back("as if it were not there");
    if (where != Where::block) schema.set("enumDescriptions", texts(docs));
    add_documents(schema, p.doc, p.initial ? "default " + to_line(default_of(p)) : "");
    if (Json initial = default_of(p); !initial.is_null()) schema.set("default", std::move(initial));
    return schema;
  }
  /// One schema for each plugin, which holds when it is named, or when it is the default and none is named.
  void add_variants(std::vector<Json>& all, const Section& s, Where where) {
    Json initial;
    for (const Parameter& p : s.parameters)
      if (p.name == "type") initial = default_of(p);
    for (const Descriptor* d : plugins(s)) {
      Json condition = made({{"properties", made({{"type", made({{"const", d->name}})}})}, {"required", one("type")}});
      if (initial == Json(d->name) && where != Where::patch)
        condition = made({{"properties", made({{"type", made({{"enum", std::vector<Json>{d->name, nullptr}}})}})}});
      const std::string name = (where == Where::block ? "block." : where == Where::patch ? "extends." : "") + s.kind + ":" + d->name;
      all.push_back(made({{"if", std::move(condition)}, {"then", reference(name, [&] { return variant(s, *d, where); })}}));
    }
    if (where == Where::patch) {  // the type is the extended file's
      Json any = made({{"properties", made({{"type", made({{"type", "null"}})}})}});
      all.push_back(made({{"if", std::move(any)}, {"then", reference("extends.any." + s.kind, [&] { return any_plugin(s); })}}));
    }
  }
  static Json closed(const Section& s, Json settings) {
    Json properties = Json::object();
    for (const std::string& name : s.names) properties.set(name, true);
    for (Member& m : settings.members()) properties.set(m.key, std::move(m.value));
    return made({{"properties", std::move(properties)}, {"additionalProperties", false}});
  }
  Json variant(const Section& s, const Descriptor& d, Where where) {
    Json settings = Json::object();
    std::vector<std::string> required;
    if (d.kind == "layer") settings.set("inputs", input_count(d));
    for (const Parameter& p : d.parameters) {
      settings.set(p.name, value(p, where));
      if (p.flags & LAMINA_REQUIRED) required.push_back(p.name);
    }
    for (const Key& key : s.keys)
      if (key.form == Form::overrides) settings.set(key.parameter.name, made({{"items", overriding(s, key, d)}}));
    Json schema = closed(s, std::move(settings));
    if (!required.empty() && where != Where::patch) schema.set("required", texts(required));
    return schema;
  }
  /// What may stand in the place of the plugin's own settings.
  static Json overriding(const Section& s, const Key& key, const Descriptor& d) {
    Json settings = Json::object();
    for (Parameter p : d.parameters) {
      p.flags &= ~uint32_t(LAMINA_REQUIRED), p.initial.reset();
      settings.set(p.name, value(p, Where::file));
    }
    return closed(section(s.path + "." + key.parameter.name + "[]"), std::move(settings));
  }
  /// How many tensors a layer reads where it names them.
  static Json input_count(const Descriptor& d) {
    const auto least = std::ranges::count_if(d.inputs, [](const Port& p) { return !(p.flags & LAMINA_OPTIONAL_INPUT); });
    Json schema = made({{"minItems", int64_t(least)}});
    if (d.inputs.empty() || !(d.inputs.back().flags & LAMINA_MANY)) schema.set("maxItems", int64_t(d.inputs.size()));
    return schema;
  }
  /// Settings of any plugin of the kind.
  Json any_plugin(const Section& s) {
    std::map<std::string, std::vector<Json>> by_name;
    for (const Descriptor* d : plugins(s))
      for (const Parameter& p : d->parameters) {
        std::vector<Json>& known = by_name[p.name];
        if (Json v = value(p, Where::patch); std::ranges::find(known, v) == known.end()) known.push_back(std::move(v));
      }
    Json settings = Json::object();
    for (auto& [name, known] : by_name) settings.set(name, known.size() == 1 ? std::move(known[0]) : made({{"anyOf", std::move(known)}}));
    return closed(s, std::move(settings));
  }
  /// Names of plugins that need no settings.
  std::vector<std::string> names_alone(const std::string& kind) {
    std::vector<std::string> names;
    for (const Descriptor* d : plugins(*section_of_kind(kind)))
      if (std::ranges::none_of(d->parameters, [](const Parameter& p) { return p.flags & LAMINA_REQUIRED; })) names.push_back(d->name);
    return names;
  }

  /// All plugins of a section's kind that load, by name.
  const std::vector<const Descriptor*>& plugins(const Section& s) {
    const auto [at, fresh] = plugins_.try_emplace(s.kind);
    if (!fresh) return at->second;
    for (const std::string& name : catalogue_.names(s.kind)) try {
        const Descriptor& d = catalogue_.find(s.kind, name);
        check_declaration(d, s);
        at->second.push_back(&d);
      } catch (const std::exception& error) {
        left_out_.push_back(error.what());
      }
    return at->second;
  }

  Catalogue& catalogue_;
  std::vector<std::string>& left_out_;
  std::map<std::string, Json> definitions_;  // by name, so that the order is always the same
  std::map<std::string, std::vector<const Descriptor*>> plugins_;
};

}  // namespace

Json experiment_schema(Catalogue& catalogue, std::vector<std::string>& left_out) { return Writer(catalogue, left_out).schema(); }

}  // namespace lamina
