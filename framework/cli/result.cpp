#include "cli/result.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "cli/format.hpp"
#include "config/faults.hpp"

namespace lamina::cli {

using Side = Table::Side;

std::string resume_line(const std::filesystem::path& folder) { return "lamina resume " + shell_word(escaped(folder.string())); }

std::string result_text(const RunReport& report, const Terminal& terminal) {
  std::string text;
  const auto line = [&](const char* name, const std::string& value) {
    text += name + std::string(12 - std::string_view(name).size(), ' ') + value + "\n";
  };
  line("run", terminal.bold(escaped(report.folder.string())));
  line("epochs", counted(report.epochs) + " (" + counted(report.steps, "step") + ")");
  line("time", duration(report.seconds));
  size_t widest = 0;
  for (const auto& [split, scores] : report.evaluations) widest = std::max(widest, scores.size());
  Table table(std::vector<Side>(widest + 1, Side::left));
  for (const auto& [split, scores] : report.evaluations) {
    std::vector<std::string> cells = {split + std::string(split.size() < 10 ? 10 - split.size() : 0, ' ')};
    for (const auto& [name, value] : scores) cells.push_back(spaced(name) + " " + score(value));
    table.add(std::move(cells));
  }
  return text + table.text();
}

Json scores_json(const Scores& scores) {
  Json all = Json::object();
  for (const auto& [name, value] : scores) all.set(name, value);
  return all;
}

Json result_json(const RunReport& report, bool complete) {
  Json e = Json::object();
  e.set("event", complete ? "finished" : "stopped");
  e.set("folder", report.folder.string());
  e.set("steps", report.steps);
  e.set("epochs", report.epochs);
  e.set("seconds", report.seconds);
  if (report.stopped_by) e.set("signal", int64_t(report.stopped_by));
  if (!complete) e.set("resume", resume_line(report.folder));
  Json evaluations = Json::object();
  for (const auto& [split, scores] : report.evaluations) evaluations.set(split, scores_json(scores));
  e.set("evaluations", std::move(evaluations));
  return e;
}

namespace {

/// Millions with two digits: "28.31"; nothing for nothing.
std::string million(double flops) {
  if (!(flops > 0) || flops > 1e22) return flops > 0 ? brief(flops / 1e6) : "";
  if (flops < 5e3) return "< 0.01";
  const int64_t hundredths = std::llround(flops / 1e4);
  const std::string digits = std::to_string(100 + hundredths % 100).substr(1);
  return counted(hundredths / 100) + "." + digits;
}

/// "3: normalize (bn1), softmax_cross_entropy (loss)"
std::string list_text(const std::vector<std::string>& names) {
  constexpr size_t shown = 12;
  if (names.empty()) return "none";
  std::string text = std::to_string(names.size()) + ": ";
  for (size_t i = 0; i < names.size() && i < shown; ++i) text += (i ? ", " : "") + escaped(names[i]);
  return names.size() > shown ? text + ", …" : text;
}

}  // namespace

std::string summary_text(const ExperimentSummary& s, const Terminal& terminal, bool verbose) {
  const size_t columns = terminal.redraws ? size_t(terminal.columns()) : 0;
  std::string text =
      terminal.bold(escaped(s.name)) + "  " + escaped(s.backend) + ": " + escaped(s.device) + "  batch " + counted(s.batch) + "\n\n";
  Table table({Side::left, Side::left, Side::left, Side::right, Side::right, Side::left});
  table.add({"layer", "type", "output", "parameters", "MFLOP", ""});
  double flops = 0;
  for (const LayerSummary& l : s.layers) {
    flops += l.flops;
    table.add({l.path, l.type, l.output_shapes.empty() ? "" : l.output_shapes[0], l.parameters ? counted(l.parameters) : "",
               million(l.flops), l.parameters && !l.trainable ? "frozen" : ""});
    for (size_t i = 1; i < l.output_shapes.size(); ++i) table.add({"", "", l.output_shapes[i]});
  }
  table.rule();
  table.add({"total", "", "", counted(s.parameters), million(flops)});
  text += table.text("", columns, terminal.unicode || !terminal.redraws) + "\n";

  Table facts({Side::left, Side::left});
  facts.add({"parameters", counted(s.parameters) + ", of which " + counted(s.trained) + " are trained"});
  facts.add({"memory", bytes_text(s.arena_bytes + s.state_bytes + s.input_bytes) + " for training: " + bytes_text(s.arena_bytes) +
                           " arena, " + bytes_text(s.state_bytes) + " state, " + bytes_text(s.input_bytes) + " input"});
  facts.add({"work", (flops > 0 ? million(flops) + " MFLOP" : std::string("no convolutions or matrix products")) +
                         " forward per batch (2 × multiply-adds of convolutions and matrix products)"});
  facts.add({"claimed", list_text(s.claimed)});
  facts.add({"decomposed", list_text(s.decomposed)});
  std::vector<std::pair<std::string, int64_t>> kinds;
  for (const auto& [op, layer] : s.ops) {
    const auto at = std::ranges::find(kinds, op, &std::pair<std::string, int64_t>::first);
    if (at == kinds.end())
      kinds.emplace_back(op, 1);
    else
      ++at->second;
  }
  std::ranges::stable_sort(kinds, std::greater<>(), &std::pair<std::string, int64_t>::second);
  std::string ops = counted(int64_t(s.ops.size())) + " per training step";
  for (size_t i = 0; i < kinds.size(); ++i) ops += (i ? ", " : ": ") + std::to_string(kinds[i].second) + " " + kinds[i].first;
  facts.add({"ops", ops});
  text += facts.text();
  if (verbose) {
    Table list({Side::right, Side::left, Side::left});
    for (size_t i = 0; i < s.ops.size(); ++i) list.add({std::to_string(i + 1), s.ops[i].first, s.ops[i].second});
    text += "\n" + terminal.bold("Ops of a training step, in the order they run") + "\n" + list.text("  ", columns);
  }
  return text;
}

Json summary_json(const ExperimentSummary& s) {
  const auto texts = [](const std::vector<std::string>& all) {
    Json list = Json::array();
    for (const std::string& text : all) list.push_back(text);
    return list;
  };
  Json j = Json::object();
  j.set("name", s.name);
  j.set("backend", s.backend);
  j.set("device", s.device);
  j.set("batch", s.batch);
  j.set("parameters", s.parameters);
  j.set("trained", s.trained);
  j.set("arena_bytes", int64_t(s.arena_bytes));
  j.set("state_bytes", int64_t(s.state_bytes));
  j.set("input_bytes", int64_t(s.input_bytes));
  Json layers = Json::array();
  for (const LayerSummary& l : s.layers) {
    Json layer = Json::object();
    layer.set("layer", l.path);
    layer.set("type", l.type);
    layer.set("outputs", texts(l.output_shapes));
    layer.set("parameters", l.parameters);
    layer.set("flops", l.flops);
    layer.set("trainable", l.trainable);
    layers.push_back(std::move(layer));
  }
  j.set("layers", std::move(layers));
  j.set("claimed", texts(s.claimed));
  j.set("decomposed", texts(s.decomposed));
  Json ops = Json::array();
  for (const auto& [op, layer] : s.ops) {
    Json one = Json::object();
    one.set("op", op);
    one.set("layer", layer);
    ops.push_back(std::move(one));
  }
  j.set("ops", std::move(ops));
  return j;
}

}  // namespace lamina::cli
