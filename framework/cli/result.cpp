#include "cli/result.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/text.hpp"
#include "cli/format.hpp"
#include "config/faults.hpp"

namespace lamina::cli {

using Side = Table::Side;

namespace {
/// Splits as they are used: train, validation, test, then others.
std::vector<std::pair<std::string, Scores>> in_order(const std::map<std::string, Scores>& evaluations) {
  std::vector<std::pair<std::string, Scores>> splits;
  for (const char* name : {"train", "validation", "test"})
    if (const auto at = evaluations.find(name); at != evaluations.end()) splits.push_back(*at);
  for (const auto& one : evaluations)
    if (std::ranges::find(splits, one.first, &std::pair<std::string, Scores>::first) == splits.end()) splits.push_back(one);
  return splits;
}
}  // namespace

std::string resume_line(const RunReport& report) {
  std::string line = "lamina resume " + shell_word(escaped(report.folder.string()));
  for (const std::string& one : report.overrides) line += " --set " + shell_word(escaped(one));
  return line;
}

std::string result_text(const RunReport& report, const Terminal& terminal) {
  std::string text;
  const auto line = [&](const char* name, const std::string& value) {
    text += name + std::string(12 - std::string_view(name).size(), ' ') + value + "\n";
  };
  line("run", terminal.bold(escaped(report.folder.string())));
  line("epochs", counted(report.epochs) + " (" + counted(report.steps, "step") + ")");
  line("time", duration(report.seconds));
  if (!report.early.empty()) line("early", escaped(report.early));
  if (report.weights.which == Weights::best) line("weights", escaped(weights_text(report.weights)));
  const std::vector<std::pair<std::string, Scores>> splits = in_order(report.evaluations);
  size_t widest = 0;
  for (const auto& [split, scores] : splits) widest = std::max(widest, scores.size());
  Table table(std::vector<Side>(widest + 1, Side::left));
  for (const auto& [split, scores] : splits) {
    std::vector<std::string> cells = {split + std::string(split.size() < 10 ? 10 - split.size() : 0, ' ')};
    for (const auto& [name, value] : scores) cells.push_back(spaced(name) + " " + score(value));
    table.add(std::move(cells));
  }
  return text + table.text();
}

std::string weights_text(const ChosenWeights& w) {
  const std::string step = "step " + counted(w.step);
  if (w.which == Weights::best)
    return "best, of epoch " + counted(w.epoch) + (w.metric.empty() ? ", " + step : " (" + spaced(w.metric) + " " + score(w.value) + ")");
  return "last, after " + step;
}

Json weights_json(const ChosenWeights& w) {
  Json one = Json::object();
  one.set("which", w.which == Weights::best ? "best" : "last");
  if (!w.file.empty()) one.set("file", w.file.string());
  one.set("step", w.step);
  one.set("epoch", w.epoch);
  if (!w.metric.empty()) one.set(w.metric, w.value);
  return one;
}

namespace {

/// A column of a cross-validation: "validation accuracy" of each run.
struct FoldColumn {
  std::string split, name;
  std::vector<double> values;
  double mean() const { return std::accumulate(values.begin(), values.end(), 0.0) / double(values.size()); }
  double deviation() const {
    double sum = 0;
    for (double v : values) sum += (v - mean()) * (v - mean());
    return std::sqrt(sum / double(values.size() - 1));
  }
};
std::vector<FoldColumn> fold_columns(const std::vector<RunReport>& reports) {
  std::vector<FoldColumn> columns;
  for (const auto& [split, scores] : in_order(reports.at(0).evaluations))
    for (size_t i = 0; i < scores.size(); ++i) {
      FoldColumn& column = columns.emplace_back(FoldColumn{split, scores[i].first, {}});
      for (const RunReport& r : reports) column.values.push_back(r.evaluations.at(split).at(i).second);
    }
  return columns;
}

}  // namespace

std::string folds_text(const std::vector<RunReport>& reports) {
  const std::vector<FoldColumn> columns = fold_columns(reports);
  std::vector<Side> sides = {Side::left, Side::left, Side::right};
  std::vector<std::string> head = {"fold", "run", "epochs"}, mean = {"mean", "", ""}, deviation = {"deviation", "", ""};
  for (const FoldColumn& c : columns) {
    sides.push_back(Side::right);
    head.push_back(c.split + " " + spaced(c.name)), mean.push_back(score(c.mean())), deviation.push_back("± " + score(c.deviation()));
  }
  Table table(sides);
  table.add(head);
  for (size_t i = 0; i < reports.size(); ++i) {
    std::vector<std::string> row = {std::to_string(i + 1), escaped(reports[i].folder.string()), counted(reports[i].epochs)};
    for (const FoldColumn& c : columns) row.push_back(score(c.values[i]));
    table.add(std::move(row));
  }
  table.add(mean), table.add(deviation);
  return table.text();
}

Json folds_json(const std::vector<RunReport>& reports, const std::string& time) {
  Json e = Json::object();
  e.set("event", "folds");
  e.set("time", time);
  Json runs = Json::array();
  for (const RunReport& r : reports) runs.push_back(r.folder.string());
  e.set("runs", std::move(runs));
  Json mean = Json::object(), deviation = Json::object();
  for (const FoldColumn& c : fold_columns(reports)) {
    const std::string name = c.split + "_" + c.name;
    mean.set(name, c.mean()), deviation.set(name, c.deviation());
  }
  e.set("mean", std::move(mean)), e.set("deviation", std::move(deviation));
  return e;
}

Json scores_json(const Scores& scores) {
  Json all = Json::object();
  for (const auto& [name, value] : scores) all.set(name, value);
  return all;
}

Json result_json(const RunReport& report, const std::string& time) {
  Json e = Json::object();
  e.set("event", report.complete ? "finished" : "stopped");
  e.set("time", time);
  e.set("folder", report.folder.string());
  e.set("steps", report.steps);
  e.set("epochs", report.epochs);
  e.set("seconds", report.seconds);
  if (report.stopped_by) e.set("signal", int64_t(report.stopped_by));
  if (!report.complete) e.set("resume", resume_line(report));
  if (!report.early.empty()) e.set("early", report.early);
  if (report.complete) e.set("weights", weights_json(report.weights));
  Json evaluations = Json::object();
  for (const auto& [split, scores] : in_order(report.evaluations)) evaluations.set(split, scores_json(scores));
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

/// "2×normalize (bn1, bn2), 1×softmax_cross_entropy (loss)" of "bn1: normalize", …
std::string composites_text(const std::vector<std::string>& all) {
  constexpr size_t shown = 6;
  std::vector<std::pair<std::string, std::vector<std::string>>> groups;
  for (const std::string& one : all) {
    const size_t colon = one.rfind(": ");
    const std::string name = colon == one.npos ? one : one.substr(colon + 2), layer = colon == one.npos ? "" : one.substr(0, colon);
    auto at = std::ranges::find(groups, name, &decltype(groups)::value_type::first);
    if (at == groups.end()) at = groups.insert(at, {name, {}});
    at->second.push_back(layer);
  }
  std::string text;
  for (auto& [name, layers] : groups) {
    text += (text.empty() ? "" : ", ") + std::to_string(layers.size()) + "×" + name;
    const bool more = layers.size() > shown;
    if (more) layers.resize(shown);
    text += " (" + joined(layers) + (more ? ", …)" : ")");
  }
  return text.empty() ? "none" : text;
}

/// "2×median_pool (pool1, pool2), runs on CPU float32, GLSL": kernel by kernel, and where they can run.
std::string kernels_text(const std::vector<KernelSummary>& all) {
  std::string text;
  std::vector<KernelSummary> rest = all;
  while (!rest.empty()) {
    const KernelSummary first = rest[0];
    std::vector<std::string> layers;
    const auto same = [&](const KernelSummary& k) {
      return k.kernel == first.kernel && k.bodies == first.bodies && k.gradient == first.gradient;
    };
    for (const KernelSummary& k : rest)
      if (same(k)) layers.push_back(k.layer + ": " + k.kernel);
    std::erase_if(rest, same);
    text += (text.empty() ? "" : "; ") + composites_text(layers) + ", runs on " + joined(first.bodies) +
            (first.gradient ? "" : ", has no gradient");
  }
  return text;
}

/// "21×map, 6×matmul": the most frequent first.
std::string ops_text(const std::vector<std::pair<std::string, std::string>>& ops) {
  std::vector<std::pair<std::string, int64_t>> kinds;
  for (const auto& [op, layer] : ops) {
    const auto at = std::ranges::find(kinds, op, &decltype(kinds)::value_type::first);
    if (at == kinds.end())
      kinds.emplace_back(op, 1);
    else
      ++at->second;
  }
  std::ranges::stable_sort(kinds, std::greater<>(), &decltype(kinds)::value_type::second);
  std::string text;
  for (const auto& [op, count] : kinds) text += (text.empty() ? "" : ", ") + std::to_string(count) + "×" + op;
  return text;
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

  const size_t line = columns ? std::min<size_t>(columns, 100) : 100;
  const auto fact = [&](const std::string& name, const std::string& value) {
    constexpr size_t indent = 12;
    const auto lines = wrapped(escaped(value), std::max<size_t>(line, indent + 30) - indent);
    for (size_t i = 0; i < lines.size(); ++i) {
      const std::string head = i ? "" : name;
      text += head + std::string(indent - head.size(), ' ') + lines[i] + "\n";
    }
  };
  fact("parameters", counted(s.parameters) + ", of which " + counted(s.trained) + " are trained");
  fact("memory", bytes_text(s.arena_bytes + s.state_bytes + s.input_bytes) + " of a training step: " + bytes_text(s.arena_bytes) +
                     " arena, " + bytes_text(s.state_bytes) + " state, " + bytes_text(s.input_bytes) + " input");
  if (!s.explanation.empty()) fact("runs as", s.explanation[0]);
  fact("MFLOP", "2 × multiply-adds of convolutions and matrix products, forward, per batch");
  fact("claimed", composites_text(s.claimed));
  fact("decomposed", composites_text(s.decomposed));
  if (!s.kernels.empty()) fact("kernels", kernels_text(s.kernels));
  fact("ops", counted(int64_t(s.ops.size())) + " per training step: " + ops_text(s.ops));
  if (verbose) {
    Table list({Side::right, Side::left, Side::left});
    for (size_t i = 0; i < s.ops.size(); ++i) list.add({std::to_string(i + 1), s.ops[i].first, s.ops[i].second});
    text += "\n" + terminal.bold("Ops of a training step, in the order they run") + "\n" + list.text("  ", columns);
    if (s.explanation.size() > 1) text += "\n" + terminal.bold("What the backend runs") + "\n";
    for (size_t i = 1; i < s.explanation.size(); ++i) text += "  " + escaped(s.explanation[i]) + "\n";
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
  Json kernels = Json::array();
  for (const KernelSummary& k : s.kernels) {
    Json one = Json::object();
    one.set("layer", k.layer);
    one.set("kernel", k.kernel);
    one.set("bodies", texts(k.bodies));
    one.set("gradient", k.gradient);
    kernels.push_back(std::move(one));
  }
  j.set("kernels", std::move(kernels));
  Json ops = Json::array();
  for (const auto& [op, layer] : s.ops) {
    Json one = Json::object();
    one.set("op", op);
    one.set("layer", layer);
    ops.push_back(std::move(one));
  }
  j.set("ops", std::move(ops));
  j.set("explanation", texts(s.explanation));
  return j;
}

}  // namespace lamina::cli
