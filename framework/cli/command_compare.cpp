#include <algorithm>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/format.hpp"
#include "cli/progress.hpp"
#include "compare/comparison.hpp"
#include "compare/self_test.hpp"
#include "config/merge.hpp"
#include "program/devices.hpp"

namespace lamina::cli {
namespace {

using compare::Comparison;
using compare::Options;
using compare::Pass;
using Side = Table::Side;

/// The reference, then every other backend with a device.
std::vector<std::string> backends_with_device(Registry& registry) {
  std::vector<std::string> all = {compare::truth_name};
  for (const std::string& name : registry.names("backend")) try {
      const auto devices = program::devices_of(registry.find("backend", name));
      if (name != all[0] && std::ranges::any_of(devices, &program::ListedDevice::available)) all.push_back(name);
    } catch (const std::exception&) {  // `lamina backends` says what is wrong with it
    }
  return all;
}

/// What a backend makes of an override; "yes" where it is of no backend's setting.
Takes taken_by(const Descriptor& backend, const std::string& override) {
  Json document = Json::object();
  Faults of_its_own;  // told where the experiment is loaded with it
  apply_override(document, override, of_its_own);
  const Json* block = document.given("backend");
  Takes all = Takes::yes;
  if (block && block->is_object())
    for (const Member& m : block->members())
      if (m.key != "type" && m.key != "device") all = std::max(all, takes(backend, m.key, m.value));
  return all;
}

/// The experiment on each backend. Only the file's own keeps the file's precision, and the truth never does; an override of a backend's
/// setting goes to those that take it, or where none does to those that know it, to be refused.
std::vector<Experiment> experiments_on(const std::vector<std::string>& backends, Context& context) {
  const Arguments& a = context.arguments;
  const std::vector<std::string> known = context.registry.names("backend");
  const auto name_of = [](const std::string& spec) { return spec.substr(0, spec.find(':')); };
  const auto taken = [&](const std::string& override, const std::string& spec) {
    if (std::ranges::find(known, name_of(spec)) == known.end()) return Takes::yes;  // which is refused
    return taken_by(context.registry.find("backend", name_of(spec)), override);
  };
  std::vector<std::string> of_all = a.overrides;
  std::erase_if(of_all, [](const std::string& o) { return o.starts_with("backend.") && !o.starts_with("backend.type="); });
  const std::string own = load_experiment(a.experiment, context.registry, of_all).backend.plugin->name;
  std::vector<Experiment> all;
  for (const std::string& spec : backends) {
    const bool truth = all.empty();
    std::vector<std::string> overrides;
    if (truth || name_of(spec) != own) overrides.push_back("backend.precision=null");
    for (const std::string& one : a.overrides) {
      Takes most = Takes::not_the_key;
      for (const std::string& each : backends) most = std::min(most, taken(one, each));
      const bool rounds = truth && one.starts_with("backend.precision=") && one.ends_with("float16");
      if (taken(one, spec) == most && !rounds)
        overrides.push_back(one);
      else
        context.console.err << warning_text(context.console, escaped(spec) + " goes without --set " + escaped(one) +
                                                                 (rounds ? ", as the truth." : ", which it does not take.")) +
                                   "\n";
    }
    for (std::string& one : backend_overrides(spec)) overrides.push_back(std::move(one));
    all.push_back(load_experiment(a.experiment, context.registry, overrides));
  }
  return all;
}

/// A name and `columns` of numbers.
Table numbers_table(size_t columns) {
  std::vector<Side> sides(1 + columns, Side::right);
  sides[0] = Side::left;
  return Table(std::move(sides));
}

std::string distance_text(std::optional<double> distance, double tolerance) {
  return !distance ? "" : *distance == 0 ? "0" : (*distance <= tolerance ? "" : "! ") + score(*distance);
}

/// How far the losses have come apart, step by step.
std::string losses_text(const Comparison& c, const std::vector<std::string>& names) {
  Table table = numbers_table(names.size());
  std::vector<std::string> head = {"loss of step", names[0]};
  for (size_t k = 1; k < names.size(); ++k) head.push_back(names[k] + " - " + names[0]);
  table.add(head);
  const std::vector<double>& truth = c.backends[0].losses;
  for (size_t step = 0; step < truth.size(); ++step) {
    std::vector<std::string> cells = {counted(int64_t(step) + 1), score(truth[step])};
    for (size_t k = 1; k < names.size(); ++k) cells.push_back(score(c.backends[k].losses[step] - truth[step]));
    table.add(std::move(cells));
  }
  return table.text();
}

std::string comparison_text(const Comparison& c, const Options& options, const std::vector<std::string>& names, const Terminal& terminal,
                            bool verbose) {
  const size_t others = names.size() - 1;
  std::string text;
  for (size_t k = 0; k < names.size(); ++k)
    text += (k ? "            " : "truth       ") + terminal.bold(escaped(names[k])) + "  " + escaped(c.backends[k].device) +
            (c.backends[k].device.find(" " + c.backends[k].precision) == std::string::npos ? ", " + c.backends[k].precision : "") + "\n";
  text += "steps       " + counted(options.steps) + " of batch " + counted(c.batch) + ", tolerance " + brief(options.tolerance) +
          (options.drift ? ", each from its own weights" : "") + "\n\n";

  Table distances = numbers_table(c.passes.size() * others);
  std::vector<std::string> head = {"largest distance"}, sub = {"layer"};
  for (const Pass& pass : c.passes)
    for (size_t k = 0; k < others; ++k) head.push_back(k ? "" : pass.name), sub.push_back(names[k + 1]);
  distances.add(head), distances.add(sub);
  std::vector<std::string> rows = c.layers;
  rows.push_back("loss");
  for (const std::string& layer : rows) {
    std::vector<std::string> cells = {layer};
    for (const Pass& pass : c.passes)
      for (size_t k = 0; k < others; ++k) cells.push_back(distance_text(pass.of_layer(layer, k), options.tolerance));
    distances.add(std::move(cells));
  }
  text += distances.text() + "\n" + (options.drift ? losses_text(c, names) + "\n" : "");

  if (verbose)
    for (const Pass& pass : c.passes) {
      Table tensors = numbers_table(others);
      tensors.add([&] {
        std::vector<std::string> cells = {pass.name};
        cells.insert(cells.end(), names.begin() + 1, names.end());
        return cells;
      }());
      for (const auto& t : pass.tensors) {
        std::vector<std::string> cells = {t.tensor};
        for (double d : t.distances) cells.push_back(distance_text(d, options.tolerance));
        tensors.add(std::move(cells));
      }
      text += tensors.text() + "\n";
    }

  Table times = numbers_table(names.size());
  head = {"ms per step"};
  head.insert(head.end(), names.begin(), names.end());
  times.add(head);
  for (const auto& t : c.times) {
    std::vector<std::string> cells = {t.path};
    for (const auto& s : t.seconds) cells.push_back(s ? milliseconds(*s) : "");
    times.add(std::move(cells));
  }
  std::vector<std::string> total = {"whole step"};
  for (const auto& b : c.backends) total.push_back(milliseconds(b.step_seconds));
  times.add(std::move(total));
  text += times.text() + "\n";

  for (size_t k = 0; k < others; ++k) {
    bool within = true;
    for (const Pass& pass : c.passes)
      if (const auto* t = pass.first_over(k, options.tolerance)) {
        within = false;
        text += terminal.red(escaped(names[k + 1])) + ": first over the tolerance, " + pass.name + ": " + escaped(t->tensor) + ", " +
                score(t->distances[k]) + "\n";
      }
    if (within) text += escaped(names[k + 1]) + ": " + terminal.green("all within the tolerance") + "\n";
  }
  return text;
}

Json comparison_json(const Comparison& c, const Options& options, const std::vector<std::string>& names) {
  Json j = Json::object();
  j.set("within", c.within(options.tolerance));
  j.set("steps", options.steps);
  j.set("batch", c.batch);
  j.set("tolerance", options.tolerance);
  j.set("drift", options.drift);
  Json backends = Json::array();
  for (size_t k = 0; k < names.size(); ++k) {
    Json b = Json::object(), losses = Json::array();
    b.set("name", names[k]);
    b.set("device", c.backends[k].device);
    b.set("precision", c.backends[k].precision);
    for (double loss : c.backends[k].losses) losses.push_back(loss);
    b.set("losses", std::move(losses));
    b.set("ms_per_step", c.backends[k].step_seconds * 1e3);
    backends.push_back(std::move(b));
  }
  j.set("backends", std::move(backends));
  Json passes = Json::object();
  for (const Pass& pass : c.passes) {
    Json p = Json::object(), tensors = Json::array(), first = Json::object();
    for (const auto& t : pass.tensors) {
      Json one = Json::object(), distances = Json::object();
      one.set("tensor", t.tensor);
      one.set("layer", t.layer);
      for (size_t k = 0; k + 1 < names.size(); ++k) distances.set(names[k + 1], t.distances[k]);
      one.set("distances", std::move(distances));
      tensors.push_back(std::move(one));
    }
    for (size_t k = 0; k + 1 < names.size(); ++k) {
      const auto* t = pass.first_over(k, options.tolerance);
      first.set(names[k + 1], t ? Json(t->tensor) : Json());
    }
    p.set("first_over_tolerance", std::move(first));
    p.set("tensors", std::move(tensors));
    passes.set(pass.name, std::move(p));
  }
  j.set("passes", std::move(passes));
  Json times = Json::array();
  for (const auto& t : c.times) {
    Json one = Json::object(), ms = Json::object();
    one.set("layer", t.path);
    for (size_t k = 0; k < names.size(); ++k) ms.set(names[k], t.seconds[k] ? Json(*t.seconds[k] * 1e3) : Json());
    one.set("ms_per_step", std::move(ms));
    times.push_back(std::move(one));
  }
  j.set("layers", std::move(times));
  return j;
}

}  // namespace

int compare_backends_command(Context& context) {
  const Arguments& a = context.arguments;
  Console& console = context.console;
  const std::vector<std::string> names = a.backends.empty() ? backends_with_device(context.registry) : a.backends;
  if (names.size() < 2)
    throw UsageError("There is nothing to compare " + in_quotes(names[0]) + " with; --backends names two or more, the truth first.",
                     "compare-backends");
  const Options options{a.steps.value_or(3), a.tolerance, a.drift};
  const Comparison c = compare::compare_backends(experiments_on(names, context), context.registry, options);
  if (console.json)
    console.document(comparison_json(c, options, names));
  else
    console.out << comparison_text(c, options, names, console.out_terminal, console.verbose);
  return c.within(options.tolerance) ? 0 : int(Exit::failed);
}

}  // namespace lamina::cli
