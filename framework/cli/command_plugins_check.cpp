// `plugins check`: the proof of a library as a table and a verdict.
#include <algorithm>

#include "base/nearest.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/format.hpp"
#include "cli/result.hpp"
#include "prove/job.hpp"
#include "prove/prove.hpp"

namespace lamina::cli {
namespace {

namespace fs = std::filesystem;

/// A library is named by its path; without a slash and an ending, by what it is called.
fs::path library_of(Context& context) {
  const Arguments& a = context.arguments;
  const bool path = a.name.find('/') != a.name.npos || a.name.ends_with(".so");
  return path ? fs::absolute(a.name) : fs::path(found_plugin(context).file);
}

Json row_json(const prove::Row& row) {
  Json j = Json::object();
  j.set("check", row.name);
  j.set("claim", row.claim);
  j.set("passed", row.passed());
  j.set("seen", row.summary);
  const auto list = [](const std::vector<std::string>& texts) {
    Json all = Json::array();
    for (auto& t : texts) all.push_back(t);
    return all;
  };
  j.set("fault_count", int64_t(row.fault_count));
  j.set("faults", list(row.faults));
  j.set("not_checked", list(row.left_out));
  j.set("seconds", row.seconds);
  return j;
}

/// Sentences under a row, wrapped and set off.
std::string below(const std::vector<std::string>& sentences, const std::string& mark, size_t columns) {
  std::string text;
  for (auto& s : sentences) {
    const auto lines = wrapped(escaped(s), columns - 8);
    for (size_t i = 0; i < lines.size(); ++i) text += (i ? "        " : "      " + mark + " ") + lines[i] + "\n";
  }
  return text;
}

}  // namespace

int plugins_check_command(Context& context) {
  Console& console = context.console;
  const std::vector<std::string>& only = context.arguments.only;
  for (auto& name : only)
    if (const auto known = prove::names_of_checks(); std::ranges::find(known, name) == known.end())
      throw UsageError("There is no check called " + in_quotes(name) + suggestion(name, known) + ".", "plugins check");
  const fs::path file = library_of(context);
  const Terminal& terminal = console.out_terminal;
  const size_t columns = terminal.redraws ? std::max<size_t>(60, size_t(terminal.columns())) : 120;
  const bool table = !console.json;
  if (table) console.out << terminal.bold(escaped(file.string())) + "\n" << std::flush;
  const auto told = [&](const prove::Row& row) {
    if (!table) return;
    const std::string verdict = row.passed() ? terminal.green("passed") : terminal.red("FAILED");
    std::string line = "  " + verdict + "  " + row.name + std::string(row.name.size() < 14 ? 14 - row.name.size() : 1, ' ');
    const std::string seen = escaped(row.summary.empty() ? row.claim : row.summary);
    const auto lines = wrapped(seen, columns - 24);
    for (size_t i = 0; i < lines.size(); ++i) line += (i ? std::string(24, ' ') : "") + lines[i] + "\n";
    console.out << line + below(row.faults, terminal.red("fault:"), columns);
    if (row.fault_count > row.faults.size())
      console.out << "      and " + counted(int64_t(row.fault_count - row.faults.size()), "more fault") + "\n";
    console.out << below(row.left_out, "not checked:", columns) << std::flush;
  };
  const prove::Proof proof = prove::prove_library({file, context.registry.folders(), only}, told);
  for (auto& name : only)
    if (!proof.kind.empty() && std::ranges::find(proof.rows, name, &prove::Row::name) == proof.rows.end())
      throw UsageError("The check " + in_quotes(name) + " is not made for the kind " + in_quotes(proof.kind) + ".", "plugins check");
  size_t failed = 0;
  for (auto& row : proof.rows) failed += !row.passed();
  const std::string what =
      proof.kind.empty() ? "the library" : proof.kind + " " + proof.name + (proof.version.empty() ? "" : " " + proof.version);
  if (table) {
    console.out << (proof.passed() ? terminal.green("passed") + ": " + what + ", " + counted(int64_t(proof.rows.size()), "check")
                                   : terminal.red("FAILED") + ": " + what + ", " + counted(int64_t(failed), "check") + " of " +
                                         counted(int64_t(proof.rows.size())) + " failed") +
                       "\n";
  } else {
    Json j = Json::object(), rows = Json::array();
    j.set("file", proof.file), j.set("kind", proof.kind), j.set("name", proof.name), j.set("version", proof.version);
    j.set("passed", proof.passed());
    for (auto& row : proof.rows) rows.push_back(row_json(row));
    j.set("checks", std::move(rows));
    console.document(j);
  }
  return proof.passed() ? 0 : int(Exit::plugin);
}

}  // namespace lamina::cli
