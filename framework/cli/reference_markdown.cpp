// The pages of docs/plugins.
#include "base/text.hpp"
#include "cli/reference_page.hpp"
#include "config/example.hpp"
#include "config/settings.hpp"
#include "plugin/registry.hpp"

namespace lamina::cli {
namespace {

constexpr const char* written = "<!-- Written by `lamina plugins document`, from what the plugins declare. -->\n\n";

/// A plugin's text in a Markdown page: `names` in backquotes stay, everything else that Markdown would read is escaped.
std::string plain(const std::string& text) {
  std::string out;
  bool code = false;
  for (char c : escaped(text)) {
    code ^= c == '`';
    if (c == '|' || (!code && (c == '<' || c == '*' || c == '#'))) out += '\\';
    out += c;
  }
  return out;
}

std::string row(const std::vector<std::string>& cells) { return "| " + joined(cells, " | ") + " |\n"; }

std::string table(const std::vector<std::string>& heads, const std::vector<std::vector<std::string>>& rows) {
  std::string text = row(heads) + "|";
  for (size_t i = 0; i < heads.size(); ++i) text += "---|";
  text += "\n";
  for (const auto& cells : rows) text += row(cells);
  return text;
}

std::string ports_table(const std::vector<Port>& ports, const char* head) {
  std::vector<std::vector<std::string>> rows;
  for (const Port& p : ports) rows.push_back({"`" + p.name + "`", plain(p.doc + port_note(p))});
  return table({head, "shape, meaning"}, rows);
}

/// The unit has a column where a parameter has one.
std::string parameters_table(const std::vector<Parameter>& parameters) {
  bool units = false;
  for (const Parameter& p : parameters) units |= !p.unit.empty();
  std::vector<std::string> heads = {"parameter", "type", "default"};
  if (units) heads.push_back("unit");
  heads.push_back("meaning");
  std::vector<std::vector<std::string>> rows;
  for (const Parameter& p : parameters) {
    const Json initial = default_of(p);
    std::vector<std::string>& cells = rows.emplace_back();
    cells = {"`" + p.name + "`", plain(type_text(p)) + (p.flags & LAMINA_PER_STEP ? "; may change from step to step" : ""),
             p.flags & LAMINA_REQUIRED ? "required"
             : initial.is_null()       ? ""
                                       : "`" + plain(to_line(initial)) + "`"};
    if (units) cells.push_back(plain(p.unit));
    cells.push_back(plain(p.doc));
  }
  return table(heads, rows);
}

std::string block(const std::string& language, const std::string& text) { return "```" + language + "\n" + text + "\n```\n"; }

}  // namespace

std::string document_path(const Descriptor& d) { return Registry::folder_of(d.kind) + "/" + d.name + ".md"; }

std::string page_markdown(const Descriptor& d) {
  const KindKeys keys = keys_of_kind(d);
  std::string text = written + ("# " + d.name) + "\n\n" + d.kind + ": " + plain(d.doc) + "\n";
  if (!d.formula.empty()) text += "\n" + block("", d.formula);
  for (const std::string& line : lines_of(d.details)) text += "\n" + plain(line) + "\n";
  if (!d.source.empty()) text += "\nSource: " + plain(d.source) + ".\n";
  if (!d.inputs.empty()) text += "\n## Inputs\n\n" + ports_table(d.inputs, "input");
  if (!d.results.empty()) text += "\n## " + results_title(d) + "\n\n" + ports_table(d.results, "name");
  text += "\n## Parameters\n\n" + (d.parameters.empty() ? "none of its own\n" : parameters_table(all_parameters(d)));
  if (!keys.required.empty() || !keys.others.empty()) text += "\n## Keys of every " + d.kind + "\n\n";
  if (!keys.required.empty()) text += parameters_table(keys.required) + (keys.others.empty() ? "" : "\nand ");
  for (size_t i = 0; i < keys.others.size(); ++i) text += (i ? ", `" : "`") + keys.others[i] + "`";
  if (!keys.others.empty()) text += "; see [every key](../../experiment.md#every-key)\n";
  if (const std::string example = example_text(d); !example.empty()) {
    text += "\n## Example\n\n" + block("json", example);
    if (const std::string note = example_note(d); !note.empty()) text += "\n" + note + "\n";
  }
  return text + "\n[all plugins](../README.md)\n";
}

std::string index_markdown(const std::vector<const Descriptor*>& plugins) {
  std::string text =
      written +
      std::string("# Plugins\n\nWhat comes with Lamina. `lamina plugins describe NAME` shows the same of any plugin, your own too.\n");
  for (const std::string& kind : Registry::kinds()) {
    std::vector<std::vector<std::string>> rows;
    for (const Descriptor* d : plugins)
      if (d->kind == kind) rows.push_back({"[" + d->name + "](" + document_path(*d) + ")", plain(d->doc)});
    if (rows.empty()) continue;
    std::string title = Registry::folder_of(kind);
    title[0] = char(std::toupper(title[0]));
    text += "\n## " + title + "\n\n" + table({kind, "is"}, rows);
  }
  return text;
}

}  // namespace lamina::cli
