// What layers, losses, transforms and metrics compute, on every input that they take.
#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "prove/check_recorded.hpp"
#include "prove/differences.hpp"
#include "prove/guard.hpp"

namespace lamina::prove {
namespace {

/// Calls body(case) for each; what it throws is a fault of that case.
template <class Body>
size_t for_each_case(const Subject& s, Findings& found, Body body) {
  const std::vector<Taken> cases = taken_cases(s, found);
  for (const Taken& t : cases) {
    found.at(t.what);
    try {
      body(t);
    } catch (const std::exception& e) {
      tell(t.what, e, found);
    }
  }
  return cases.size();
}

/// Nobody differentiates a metric.
int derivatives_of(const Descriptor& d) { return d.kind == "metric" ? 0 : 1; }

/// The setting by which a backend counts what kernels of plugins touch outside of their tensors; none where it has no such setting.
const Parameter* bounds_of(const Descriptor& backend) {
  for (auto& p : backend.parameters)
    if (p.name == "bounds") return &p;
  return nullptr;
}

}  // namespace

void check_example(const Subject& s, Findings& found) {
  const Descriptor& d = s.plugin;
  found.expect(d.doc.size() > 10, "its documentation is \"", d.doc, "\"; wanted a sentence");
  found.expect(!d.results.empty(), "it declares no result");
  const std::vector<Attribute> settings = example_settings(d, found);
  std::vector<Operand> inputs;
  for (auto& shape : example_shapes(d, found)) inputs.push_back(real(shape));
  if (!found.passed()) return;
  for (Mode mode : {Mode::evaluation, Mode::training}) {
    if (d.kind == "metric" && mode == Mode::training) continue;
    const std::string what = mode == Mode::training ? "in training" : "in evaluation";
    found.at("the example " + what);
    const PluginCase c = plugin_case(d, settings, inputs, mode);
    found.expect(declares_results(d, c.results), what, ": ", c.results, " results came, ", d.results.size(), " are declared");
    const Values v = Evaluation(s.truth(), c, 0).at(draw(c, Range::general));
    for (size_t i = 0; i < v.y.size(); ++i) {
      if (d.kind == "loss") found.expect(v.y[i].shape.empty(), what, ": a loss is one number; its result has the shape ", v.y[i].shape);
      const bool finite = std::ranges::all_of(v.y[i].data, [](double e) { return std::isfinite(e); });
      found.expect(finite, what, ": result ", i, " holds NaN or infinity for inputs within 1.5 of 0");
      if (mode == Mode::evaluation) found.note(result_name(d, i), " ", v.y[i].shape);
    }
  }
}

void check_shapes(const Subject& s, Findings& found) {
  std::vector<std::string> refusals;
  const std::vector<Taken> cases = taken_cases(s, found, &refusals);
  for (const Taken& t : cases) {
    found.expect(declares_results(s.plugin, t.c.results), t.what, ": ", t.c.results, " results came, ", s.plugin.results.size(),
                 " are declared");
    found.at(t.what);
    try {
      Evaluation(s.truth(), t.c, 0).at(draw(t.c, Range::general));
    } catch (const std::exception& e) {
      tell(t.what, e, found);
    }
  }
  found.note(counted(int64_t(cases.size()), "case"), " taken");
  if (!refusals.empty()) found.note(refusals.size(), " refused with a sentence");
}

void check_gradients(const Subject& s, Findings& found) {
  Differences tally;
  for_each_case(s, found, [&](const Taken& t) {
    if (!t.c.has_real()) return;
    Evaluation evaluation(s.truth(), t.c, 1);
    for (int attempt = 0; attempt < 20; ++attempt)
      if (compare_with_differences(t.c, evaluation, draw(t.c, Range::general, attempt), t.what + ", point " + std::to_string(attempt),
                                   tally, found))
        return;
    found.fault(t.what, ": twenty points in a row lie at kinks; is it differentiable anywhere?");
  });
  found.note(tally.points, " points, worst error ", tally.first);
  if (tally.kinks) found.note(tally.kinks, " drawn again because of a kink");
}

void check_backends(const Subject& s, Findings& found) {
  std::vector<std::string> left_out;
  const std::vector<Backend> backends = backends_to_hold(s.catalogue, left_out);
  for (auto& name : left_out) found.leave_out("backend ", name, " has no device here");
  const size_t cases = for_each_case(s, found, [&](const Taken& t) {
    const std::vector<Array> x = draw(t.c, Range::general);
    const PluginCase whole = plugin_case(s.plugin, t.settings, t.inputs, t.mode, true);  // with the next states
    const std::vector<Array> expected = Evaluation(s.truth(), whole, 0).at(x).y,
                             slopes = Evaluation(s.truth(), t.c, derivatives_of(s.plugin)).at(x).g;
    for (auto& b : backends) {
      const std::string who = t.what + ", " + b.text() + ": ";
      found.at(who);
      try {
        hold(Evaluation(b, whole, 0).at(x).y, expected, 1e-5, who + "result", found);
        hold(Evaluation(b, t.c, derivatives_of(s.plugin)).at(x).g, slopes, 5e-5, who + "gradient", found);
      } catch (const std::exception& e) {
        tell(who, e, found);
      }
    }
  });
  found.note(counted(int64_t(cases), "case"));
  for (auto& b : backends) found.note(b.text());
}

void check_repeatability(const Subject& s, Findings& found) {
  std::vector<std::string> left_out;
  std::vector<Backend> backends = backends_to_hold(s.catalogue, left_out);
  backends.insert(backends.begin(), s.truth());
  const std::vector<Taken> cases = taken_cases(s, found);
  for (const Taken& t : cases) {  // all others were recorded since
    found.at(t.what);
    const std::string now = plugin_case(s.plugin, t.settings, t.inputs, t.mode).recording;
    found.expect(now == t.c.recording, t.what, ": it records something else when it is called again: it keeps something from call to call");
  }
  size_t seen = 0;
  for (const Taken& t : cases) {
    if (++seen > 3 && &t != &cases.back()) continue;  // a state in memory shows in any of them
    for (auto& b : backends) try {
        const std::string who = t.what + ", " + b.text();
        found.at(who);
        const std::vector<Array> x = draw(t.c, Range::general), other = draw(t.c, Range::general, 1);
        Evaluation first(b, t.c, derivatives_of(s.plugin)), second(b, t.c, derivatives_of(s.plugin));
        const Values before = first.at(x);
        first.at(other);
        const Values again = first.at(x), anew = second.at(x);
        found.expect(same_bits(before.y, again.y) && same_bits(before.g, again.g), who, ": other bits when the same program runs again");
        found.expect(same_bits(before.y, anew.y) && same_bits(before.g, anew.g), who, ": other bits when the program is compiled again");
      } catch (const std::exception& e) {
        tell(t.what + ", " + b.text(), e, found);
      }
  }
  found.note(counted(int64_t(cases.size()), "case"));
}

void check_modes(const Subject& s, Findings& found) {
  size_t learned = 0, kept = 0;
  for_each_case(s, found, [&](const Taken& t) {
    if (t.mode == Mode::evaluation) {
      found.expect(t.c.assigned.empty(), t.what, ": the state \"", t.c.assigned.empty() ? "" : t.c.assigned[0], "\" changes in evaluation");
      found.expect(t.c.recording.find("random_bits") == std::string::npos, t.what,
                   ": it draws random numbers in evaluation; ask training() first");
      return;
    }
    if (t.c.kept.empty() || s.plugin.kind == "metric") return;
    const Values values = Evaluation(s.truth(), t.c, 1).at(draw(t.c, Range::general));
    for (size_t k = 0; k < t.c.kept.size(); ++k) {
      const bool parameter = std::ranges::find(t.c.parameters, t.c.kept[k]) != t.c.parameters.end();
      (parameter ? learned : kept) = std::max<size_t>(1, parameter ? t.c.parameters.size() : t.c.kept.size() - t.c.parameters.size());
      if (parameter)
        found.expect(!values.g[t.c.inputs + k].data.empty(), t.what, ": no result depends on the parameter \"", t.c.kept[k], "\"");
    }
  });
  found.note(learned, learned == 1 ? " learned tensor" : " learned tensors");
  if (kept) found.note(kept, " kept");
}

void check_kernels(const Subject& s, Findings& found) {
  Guard guard(found);
  for_each_case(s, found, [&](const Taken& t) {
    const auto wrap = [&](graph::Graph& g) { guard.wrap(g); };
    const std::vector<Array> x = draw(t.c, Range::general);
    for (const char* precision : {"float64", "float32"})
      Evaluation({&s.catalogue, "reference", precision}, t.c, derivatives_of(s.plugin), {}, wrap).at(x);
  });
  if (!guard.kernels()) return found.note("no kernel of its own");
  found.note(guard.kernels(), guard.kernels() == 1 ? " kernel, " : " kernels, ", guard.runs(), " runs between forbidden pages");
  for (auto& name : s.catalogue.names("backend")) {
    const Parameter* bounds = bounds_of(s.catalogue.find("backend", name));
    std::string why;
    if (!bounds) continue;
    const std::vector<Backend> ways = ways_of(s.catalogue, name, why);
    if (ways.empty()) found.leave_out("backend ", name, " has no device here (", why, ")");
    for (auto& b : ways) {
      Backend watching = b;
      watching.settings.emplace_back("bounds", "report");
      for_each_case(s, found, [&](const Taken& t) { Evaluation(watching, t.c, derivatives_of(s.plugin)).at(draw(t.c, Range::general)); });
      found.note(b.text());
    }
  }
}

}  // namespace lamina::prove
