#include <algorithm>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/format.hpp"
#include "compare/benchmark.hpp"

namespace lamina::cli {
namespace {

using compare::Benchmark;
using Side = Table::Side;

std::string share(double part, double whole) { return whole > 0 ? std::to_string(std::llround(100 * part / whole)) + "%" : ""; }

std::string benchmark_text(const Benchmark& b, const Experiment& x, const Terminal& terminal, bool verbose) {
  std::string text = terminal.bold(escaped(x.name)) + "  " + escaped(b.backend) + ": " + escaped(b.device) + "  batch " + counted(b.batch) +
                     "\n\nstep         " + milliseconds(b.median) + " ms in the median of " + counted(b.steps) + ", " +
                     milliseconds(b.fastest) + " ms the fastest\nsamples      " + counted(std::llround(b.samples_per_second())) +
                     " per second\nfirst step   after " + milliseconds(b.first_step) + " ms, opening data and device included\n";
  double whole = 0;
  for (const auto& l : b.layers) whole += l.seconds;
  if (b.ops.empty()) return text + "layers       this backend has no clock\n";
  Table layers({Side::left, Side::right, Side::right});
  layers.add({"layer", "ms per step", "share"});
  for (const auto& l : b.layers) layers.add({l.path, milliseconds(l.seconds), share(l.seconds, whole)});
  layers.add({"sum", milliseconds(whole), ""});
  text += "\n" + layers.text();
  if (!verbose) return text;
  Table ops({Side::left, Side::left, Side::right, Side::right});
  ops.add({"op", "layer", "ms per step", "share"});
  for (const auto& op : b.ops) ops.add({op.op, op.path, milliseconds(op.seconds), share(op.seconds, whole)});
  return text + "\n" + ops.text();
}

Json benchmark_json(const Benchmark& b, const Experiment& x) {
  Json j = Json::object(), step = Json::object(), layers = Json::array(), ops = Json::array();
  j.set("name", x.name);
  j.set("backend", b.backend);
  j.set("device", b.device);
  j.set("batch", b.batch);
  j.set("steps", b.steps);
  j.set("warm_up", b.warm_up);
  step.set("median", b.median * 1e3);
  step.set("fastest", b.fastest * 1e3);
  j.set("ms_per_step", std::move(step));
  j.set("samples_per_second", b.samples_per_second());
  j.set("first_step_ms", b.first_step * 1e3);
  for (const auto& l : b.layers) {
    Json one = Json::object();
    one.set("layer", l.path);
    one.set("ms", l.seconds * 1e3);
    layers.push_back(std::move(one));
  }
  j.set("layers", std::move(layers));
  for (const auto& op : b.ops) {
    Json one = Json::object();
    one.set("op", op.op);
    one.set("layer", op.path);
    one.set("ms", op.seconds * 1e3);
    ops.push_back(std::move(one));
  }
  j.set("ops", std::move(ops));
  return j;
}

}  // namespace

int bench_command(Context& context) {
  const Arguments& a = context.arguments;
  Console& console = context.console;
  const Experiment experiment = load_experiment(a.experiment, context.registry, a.overrides);
  const Benchmark b = compare::benchmark(experiment, context.registry, a.steps.value_or(100), a.warm_up);
  if (console.json)
    console.document(benchmark_json(b, experiment));
  else
    console.out << benchmark_text(b, experiment, console.out_terminal, console.verbose);
  return 0;
}

}  // namespace lamina::cli
