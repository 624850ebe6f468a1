// The page of `plugins describe`, made from what the plugin declares.
#include "cli/reference_page.hpp"

#include "base/text.hpp"
#include "cli/format.hpp"
#include "config/example.hpp"
#include "config/keys.hpp"
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

/// Lines that stay as they are.
std::string verbatim(const std::string& text) {
  std::string out;
  for (const std::string& line : lines_of(text)) out += "  " + escaped(line) + "\n";
  return out;
}

/// A name, beside it what it is, below that what it means.
std::string entry(const std::string& name, const std::string& facts, const std::string& doc, size_t name_width, size_t columns) {
  const std::string shown = "  " + escaped(name), first = paragraph(facts, name_width + 4, columns);
  return shown + (width_of(shown) < name_width + 4 && !first.empty() ? first.substr(width_of(shown)) : "\n" + first) +
         (doc.empty() ? "" : paragraph(doc, name_width + 4, columns));
}

std::string ports_text(const std::vector<Port>& ports, size_t name_width, size_t columns) {
  std::string text;
  for (const Port& p : ports) text += entry(p.name, p.doc + port_note(p), "", name_width, columns);
  return text;
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
    one.set("default", default_of(p));
    one.set("may_change_per_step", bool(p.flags & LAMINA_PER_STEP));
    one.set("doc", p.doc);
    if (!p.fields.empty()) one.set("fields", parameters_json(p.fields));
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace

std::vector<Parameter> all_parameters(const Descriptor& d) {
  std::vector<Parameter> all;
  for (const Parameter& p : d.parameters) {
    all.push_back(p);
    for (const Parameter& field : p.fields) all.push_back(field), all.back().name = p.name + ".*." + field.name;
  }
  return all;
}

std::string port_note(const Port& p) {
  return p.flags & LAMINA_MANY ? " (one or more)" : p.flags & LAMINA_OPTIONAL_INPUT ? " (optional)" : "";
}

std::string results_title(const Descriptor& d) {
  return d.kind == "dataset" ? "Columns" : d.kind == "metric" ? "Sums over all batches" : "Results";
}

std::string example_note(const Descriptor& d) {
  std::string text;
  const std::string path = section_of_kind(d.kind)->path;
  if (const size_t dot = path.rfind('.'); dot != path.npos) text = "in " + section(path.substr(0, dot)).owner;
  Faults faults;
  const Json shapes = parse_json(d.example_shape.empty() ? "[]" : d.example_shape, SourceText{"the example"}, faults);
  if (!shapes.is_array() || d.inputs.empty()) return text;
  for (size_t i = 0; i < shapes.items().size(); ++i)
    text += (i              ? ", "
             : text.empty() ? "for "
                            : ", for ") +
            (i < d.inputs.size() ? d.inputs[i].name + " " : "") + to_line(shapes.items()[i]);
  return text;
}

KindKeys keys_of_kind(const Descriptor& d) {
  KindKeys keys;
  const Section* section = section_of_kind(d.kind);
  if (!section) return keys;
  // What stands instead of "type" is no key of a plugin.
  std::string instead;
  for (const Choice& c : section->choices)
    if (c.first == "type") instead = c.second;
  for (const Key& key : section->keys) {
    if (key.parameter.name == "type" || key.parameter.name == instead) continue;
    if (key.parameter.flags & LAMINA_REQUIRED)
      keys.required.push_back(key.parameter);
    else
      keys.others.push_back(key.parameter.name);
  }
  return keys;
}

std::string page_text(const Descriptor& d, const Terminal& terminal) {
  const size_t columns = terminal.redraws ? std::min<size_t>(size_t(terminal.columns()), widest_line) : widest_line;
  const KindKeys keys = keys_of_kind(d);
  size_t name_width = 4;
  for (const auto* ports : {&d.inputs, &d.results})
    for (const Port& p : *ports) name_width = std::max(name_width, width_of(escaped(p.name)));
  const std::vector<Parameter> own = all_parameters(d);
  for (const auto* parameters : {&own, &keys.required})
    for (const Parameter& p : *parameters) name_width = std::max(name_width, width_of(escaped(p.name)));
  name_width = std::min<size_t>(name_width, 30);

  const auto heading = [&](const std::string& text) { return "\n" + terminal.bold(text) + "\n"; };
  std::string text = terminal.bold(escaped(d.name)) + ", " + with_article(escaped(d.kind)) + "\n" + paragraph(d.doc, 2, columns);
  if (!d.formula.empty()) text += "\n" + verbatim(d.formula);
  for (const std::string& line : lines_of(d.details)) text += "\n" + paragraph(line, 2, columns);
  if (!d.source.empty()) text += "\n" + paragraph("Source: " + d.source + ".", 2, columns);
  if (!d.inputs.empty()) text += heading("Inputs") + ports_text(d.inputs, name_width, columns);
  if (!d.results.empty()) text += heading(results_title(d)) + ports_text(d.results, name_width, columns);
  text += heading("Parameters") + (own.empty() ? "  none of its own\n" : "");
  for (const Parameter& p : own) text += entry(p.name, facts_text(p), p.doc, name_width, columns);
  if (!keys.required.empty() || !keys.others.empty()) text += heading("Keys of every " + d.kind);
  for (const Parameter& p : keys.required) text += entry(p.name, facts_text(p), p.doc, name_width, columns);
  if (!keys.others.empty()) text += paragraph((keys.required.empty() ? "" : "and ") + joined(keys.others), 2, columns);
  if (const std::string example = example_text(d); !example.empty()) {
    text += heading("Example") + verbatim(example);
    if (const std::string note = example_note(d); !note.empty()) text += paragraph(note, 2, columns);
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
  j.set("formula", d.formula);
  j.set("details", d.details);
  j.set("source", d.source);
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
