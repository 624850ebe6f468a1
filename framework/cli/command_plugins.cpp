#include <algorithm>

#include "base/files.hpp"
#include "base/nearest.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/format.hpp"
#include "cli/progress.hpp"
#include "cli/reference_page.hpp"
#include "config/schema.hpp"

namespace lamina::cli {
namespace {

using Side = Table::Side;
namespace fs = std::filesystem;

struct Listed {
  PluginFile file;
  const Descriptor* plugin = nullptr;
  std::string broken;  ///< why it is none
};

std::vector<Listed> listed(Context& context) {
  std::vector<Listed> all;
  for (PluginFile& file : context.registry.list()) {
    if (context.arguments.kind && file.kind != *context.arguments.kind) continue;
    Listed one{std::move(file), nullptr, ""};
    if (one.file.kind.empty())
      one.broken = in_quotes(one.file.file.string(), 400) + " lies in a folder of no kind of plugin that this program knows.";
    else
      try {
        one.plugin = &context.registry.find(one.file.kind, one.file.name);
      } catch (const Failure& e) {
        one.broken = e.what();
      }
    all.push_back(std::move(one));
  }
  return all;
}

/// The folder of the search path that a library was found in.
fs::path root_of(const PluginFile& file) { return file.file.parent_path().parent_path(); }

}  // namespace

int plugins_list_command(Context& context) {
  Console& console = context.console;
  const std::vector<Listed> all = listed(context);
  if (console.json) {
    Json list = Json::array();
    for (const Listed& l : all) {
      Json j = Json::object();
      j.set("kind", l.file.kind);
      j.set("name", l.file.name);
      j.set("doc", l.plugin ? l.plugin->doc : "");
      j.set("file", l.file.file.string());
      j.set("version", l.plugin ? l.plugin->version : "");
      j.set("sha256", l.plugin ? l.plugin->sha256 : "");
      j.set("error", l.plugin ? Json() : Json(l.broken));
      list.push_back(std::move(j));
    }
    console.document(list);
    return 0;
  }

  const Terminal& terminal = console.out_terminal;
  const size_t columns = terminal.redraws ? size_t(terminal.columns()) : 0;
  std::vector<std::string> reasons;
  bool first = true;
  for (const fs::path& folder : context.registry.folders()) {
    Table table({Side::left, Side::left, Side::left, Side::left, Side::left, Side::left});
    size_t count = 0;
    for (const Listed& l : all) {
      if (root_of(l.file) != folder) continue;
      ++count;
      const std::string doc = l.plugin ? l.plugin->doc : "cannot be loaded, see below";
      std::vector<std::string> row = {l.file.kind.empty() ? "?" : l.file.kind, l.file.name, doc,
                                      fs::relative(l.file.file, folder).string()};
      if (l.plugin) row.push_back(l.plugin->version);
      if (console.verbose && l.plugin) row.push_back(l.plugin->sha256);
      table.add(std::move(row));
      // Two files of one name have one reason.
      if (!l.plugin && std::ranges::find(reasons, l.broken) == reasons.end()) reasons.push_back(l.broken);
    }
    if (!count) continue;
    console.out << (first ? "" : "\n") + terminal.bold(escaped(folder.string())) + "\n" + table.text("  ", columns, terminal.unicode);
    first = false;
  }
  if (all.empty()) {
    std::vector<std::string> searched;
    for (const fs::path& folder : context.registry.folders()) searched.push_back(escaped(folder.string()));
    console.out << "No plugin was found" + (context.arguments.kind ? " of kind " + *context.arguments.kind : std::string()) +
                       "; searched in " + (searched.empty() ? "no folder" : joined(searched)) + ".\n";
  }
  if (!reasons.empty()) {
    console.out << "\n" + terminal.red("What cannot be loaded, and why") + "\n";
    for (const std::string& reason : reasons) console.out << "  " + escaped(reason) + "\n";
  }
  return 0;
}

const Descriptor& found_plugin(Context& context) {
  const Arguments& a = context.arguments;
  std::vector<std::string> kinds, names;
  for (const PluginFile& file : context.registry.list()) {
    if (file.kind.empty()) continue;
    if (file.name == a.name && (kinds.empty() || kinds.back() != file.kind)) kinds.push_back(file.kind);
    names.push_back(file.name);
  }
  if (!a.kind && kinds.empty()) {
    const std::string guess = did_you_mean(a.name, names);
    throw PluginError("There is no plugin called " + in_quotes(a.name) + (guess.empty() ? "." : guess) +
                      " `lamina plugins list` shows all.");
  }
  if (!a.kind && kinds.size() > 1) {
    const std::string command = a.command == Command::plugins_check ? "plugins check" : "plugins describe";
    std::string commands;
    for (const std::string& kind : kinds) commands += "\n  lamina " + command + " " + kind + " " + a.name;
    throw UsageError("Plugins of several kinds are called " + in_quotes(a.name) + "; say which:" + commands, command);
  }
  return context.registry.find(a.kind ? *a.kind : kinds[0], a.name);
}

int plugins_describe_command(Context& context) {
  const Descriptor& plugin = found_plugin(context);
  if (context.console.json)
    context.console.document(page_json(plugin));
  else if (context.arguments.markdown)
    context.console.out << page_markdown(plugin);
  else
    context.console.out << page_text(plugin, context.console.out_terminal);
  return 0;
}

int plugins_document_command(Context& context) {
  const fs::path folder = context.arguments.output;
  std::vector<const Descriptor*> plugins;
  for (const PluginFile& file : context.registry.list())
    if (!file.kind.empty()) plugins.push_back(&context.registry.find(file.kind, file.name));
  std::vector<std::pair<fs::path, std::string>> pages = {{"README.md", index_markdown(plugins)}};
  for (const Descriptor* d : plugins) pages.emplace_back(document_path(*d), page_markdown(*d));
  for (const auto& [path, text] : pages) {
    std::error_code failed;
    fs::create_directories((folder / path).parent_path(), failed);
    write_file(folder / path, text);
  }
  context.console.out << escaped(folder.string()) + ": " + counted(int64_t(plugins.size()), "page") + " and README.md.\n";
  return 0;
}

int schema_command(Context& context) {
  Console& console = context.console;
  std::vector<std::string> left_out;
  const std::string schema = to_text(experiment_schema(context.registry, left_out));
  for (const std::string& sentence : left_out) console.err << warning_text(console, sentence + " The schema does without it.") + "\n";
  if (context.arguments.output.empty())
    console.out << schema;
  else
    write_file(context.arguments.output, schema);
  return 0;
}

}  // namespace lamina::cli
