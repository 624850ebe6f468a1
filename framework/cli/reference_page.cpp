// The page of `plugins describe`, made from what the plugin declares.
#include "base/text.hpp"
#include "cli/format.hpp"
#include "cli/result.hpp"
#include "config/settings.hpp"

namespace lamina::cli {
namespace {

constexpr size_t widest_line = 100;

/// "a layer", "an optimizer"
std::string with_article(const std::string& kind) {
  return (std::string("aeiou").find(kind[0]) != std::string::npos ? "an " : "a ") + kind;
}

/// `text` under a name, wrapped.
std::string paragraph(const std::string& text, size_t indent, size_t columns) {
  std::string out;
  for (const std::string& line : wrapped(escaped(text), columns > indent + 20 ? columns - indent : 20))
    out += std::string(indent, ' ') + line + "\n";
  return out;
}

std::string ports_text(const std::vector<Port>& ports, size_t name_width, size_t columns) {
  std::string text;
  for (const Port& p : ports) {
    const std::string note = p.flags & LAMINA_MANY ? " (one or more)" : p.flags & LAMINA_OPTIONAL_INPUT ? " (optional)" : "";
    std::string doc = paragraph(p.doc + note, name_width + 4, columns);
    if (doc.empty()) doc = "\n";
    const std::string name = "  " + escaped(p.name);
    text += name + doc.substr(std::min(width_of(name), doc.size() - 1));
  }
  return text;
}

/// The settings of the example with the plugin's name, as they stand in an experiment; null when the example is no object.
Json example_of(const Descriptor& d) {
  Faults faults;
  const Json settings = d.example.empty() ? Json::object() : parse_json(d.example, SourceText{"the example"}, faults);
  if (faults.any() || !settings.is_object()) return nullptr;
  Json example = Json::object();
  example.set("type", d.name);
  for (const Member& m : settings.members()) example.set(m.key, m.value);
  for (const char* section : {"loss", "optimizer", "schedule", "dataset", "backend"})
    if (d.kind == section) {
      Json whole = Json::object();
      whole.set(section, std::move(example));
      return whole;
    }
  return example;
}

/// The parameters in the order of the page; the fields of an object of names follow it, named as --set would: parameters.*.initial.
std::vector<Parameter> all_parameters(const Descriptor& d) {
  std::vector<Parameter> all;
  for (const Parameter& p : d.parameters) {
    all.push_back(p);
    for (const Parameter& field : p.fields) all.push_back(field), all.back().name = p.name + ".*." + field.name;
  }
  return all;
}

Json parameters_json(const std::vector<Parameter>& parameters) {
  Json list = Json::array();
  for (const Parameter& p : parameters) {
    Json one = Json::object();
    one.set("name", p.name);
    one.set("type", type_text(p, false));
    one.set("domain", p.domain);
    one.set("unit", p.unit);
    one.set("required", bool(p.flags & LAMINA_REQUIRED));
    const bool has = p.initial && p.initial->count();
    Json initial = nullptr;
    if (has) initial = std::move(to_json(std::span(&p, 1), std::span(&*p.initial, 1)).members()[0].value);
    one.set("default", std::move(initial));
    one.set("may_change_per_step", bool(p.flags & LAMINA_PER_STEP));
    one.set("doc", p.doc);
    if (!p.fields.empty()) one.set("fields", parameters_json(p.fields));
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace

std::string page_text(const Descriptor& d, const Terminal& terminal) {
  const size_t columns = terminal.redraws ? std::min<size_t>(size_t(terminal.columns()), widest_line) : widest_line;
  size_t name_width = 4;
  for (const auto* ports : {&d.inputs, &d.results})
    for (const Port& p : *ports) name_width = std::max(name_width, width_of(escaped(p.name)));
  const std::vector<Parameter> parameters = all_parameters(d);
  for (const Parameter& p : parameters) name_width = std::max(name_width, width_of(escaped(p.name)));
  name_width = std::min<size_t>(name_width, 30);

  const auto heading = [&](const char* text) { return "\n" + terminal.bold(text) + "\n"; };
  std::string text = terminal.bold(escaped(d.name)) + ", " + with_article(escaped(d.kind)) + "\n" + paragraph(d.doc, 2, columns);
  if (!d.inputs.empty()) text += heading("Inputs") + ports_text(d.inputs, name_width, columns);
  if (!d.results.empty()) text += heading("Results") + ports_text(d.results, name_width, columns);
  if (!parameters.empty()) text += heading("Parameters");
  for (const Parameter& p : parameters) {
    const std::string name = "  " + escaped(p.name);
    const std::string first = paragraph(facts_text(p), name_width + 4, columns);
    text +=
        name + (width_of(name) < name_width + 4 ? first.substr(width_of(name)) : "\n" + first) + paragraph(p.doc, name_width + 4, columns);
  }
  if (parameters.empty()) text += heading("Parameters") + "  none\n";
  if (const Json example = example_of(d); !example.is_null()) {
    const std::string body = to_text(example);
    text += heading("Example");
    for (size_t at = 0; at < body.size();) {
      const size_t end = std::min(body.find('\n', at), body.size());
      text += "  " + escaped(body.substr(at, end - at)) + "\n", at = end + 1;
    }
  }
  text += heading("Library") + "  " + escaped(d.file) + "\n  version " + escaped(d.version.empty() ? "not stated" : d.version) +
          ", SHA-256 " + escaped(d.sha256.substr(0, 16)) + "…\n";
  return text;
}

Json page_json(const Descriptor& d) {
  const auto ports = [](const std::vector<Port>& all) {
    Json list = Json::array();
    for (const Port& p : all) {
      Json port = Json::object();
      port.set("name", p.name);
      port.set("doc", p.doc);
      port.set("optional", bool(p.flags & LAMINA_OPTIONAL_INPUT));
      port.set("many", bool(p.flags & LAMINA_MANY));
      list.push_back(std::move(port));
    }
    return list;
  };
  Json j = Json::object();
  j.set("kind", d.kind);
  j.set("name", d.name);
  j.set("doc", d.doc);
  j.set("inputs", ports(d.inputs));
  j.set("results", ports(d.results));
  j.set("parameters", parameters_json(d.parameters));
  j.set("example", example_of(d));
  j.set("file", d.file);
  j.set("version", d.version);
  j.set("sha256", d.sha256);
  return j;
}

}  // namespace lamina::cli
