#include "prove/plugin_cases.hpp"

#include <algorithm>
#include <bit>

#include "config/settings.hpp"
#include "graph/op.hpp"
#include "plugin/describe.hpp"
#include "program/session.hpp"
#include "prove/evaluation.hpp"

namespace lamina::prove {
using namespace graph;
namespace {

const std::string own_path = "plugin";  ///< where the plugin's parameters and states are

Json parsed(const std::string& text, const char* what, Findings& found) {
  Faults faults;
  Json value = parse_json(text, {what, true, {}}, faults);
  for (auto& f : faults.sorted()) found.fault(what, " is no JSON: ", f.sentence, "; it is ", text);
  return faults.any() ? Json() : value;
}

/// Calls `function` of the plugin's table in a scope of its own; its refusal is thrown with its sentence.
template <class Function>
Tensors called(Function function, const std::vector<Attribute>& settings, Scope& scope, const Tensors& in, Mode mode) {
  lamina_scope inner;
  inner.graph = scope.handle->graph, inner.path = inner.state_path = own_path, inner.training = mode == Mode::training;
  inner.settings = &settings;
  const auto views = program::views(settings);
  std::vector<lamina_value> ids = scope.values(in), out(64, 0);
  uint32_t count = uint32_t(out.size());
  inner.check(function(&host_table(), &inner, views.data(), uint32_t(views.size()), ids.data(), uint32_t(ids.size()), out.data(), &count));
  Tensors results;
  for (uint32_t i = 0; i < count; ++i) {
    const bool hosted = inner.graph->values.at(from_border(out.at(i))).hosted;
    results.push_back(hosted ? broadcast(tensor(scope, from_border(out[i])), {}) : tensor(scope, from_border(out[i])));
  }
  return results;
}
Tensors recorded_by(const Descriptor& d, const std::vector<Attribute>& settings, Scope& scope, const Tensors& in, Mode mode) {
  if (d.kind == "metric") return called(copy_sized<lamina_metric>(d.table).sums, settings, scope, in, mode);
  return called(copy_sized<lamina_layer>(d.table).forward, settings, scope, in, mode);
}

}  // namespace

std::string text_of(const Graph& graph) {
  std::string text;
  for (const Node& n : graph.nodes) {
    text += n.op->name + " " + *n.path;
    for (ValueId v : n.in) text += describe(" ", v);
    for (const Attribute& a : n.attributes) {
      text += describe(" ", a.name, "=");
      for (int64_t v : a.integers) text += describe(v, ",");
      for (double v : a.reals) text += describe(std::bit_cast<uint64_t>(v), ",");
      for (auto& v : a.texts) text += describe(v, ",");
    }
    for (double c : n.constants) text += describe(" c", std::bit_cast<uint64_t>(c));
    if (n.kernel) text += describe(" kernel of ", n.items);
    for (ValueId v : n.out) text += describe(" -> ", graph.values[v].node, " ", to_text(graph.values[v].type));
    text += "\n";
  }
  for (const StateEntry& s : graph.states)
    text += describe(s.path, " ", int(s.kind), " ", to_text(s.type), " ", s.start.type, " ", s.start.fan_in, " ", s.start.fan_out, " ",
                     s.current, "\n");
  return text;
}

std::string title(const Descriptor& d) { return d.kind + " " + d.name; }

std::vector<Attribute> example_settings(const Descriptor& d, Findings& found) {
  const char* const what = "the example's settings";
  Json object = parsed(d.example.empty() ? "{}" : d.example, what, found);
  if (!object.is_object()) {
    found.expect(object.is_null(), what, " are ", object.kind_text(), "; wanted an object like {\"filters\": 4}");
    object = Json::object();
  }
  Faults faults;
  std::vector<std::string> names;
  for (auto& p : d.parameters) names.push_back(p.name);
  auto settings = read_settings(d.parameters, object, "", "/", faults);
  check_keys(object, "", names, title(d), faults);
  for (auto& f : faults.sorted()) found.fault(what, " are refused: ", f.sentence);
  return settings;
}

std::vector<Shape> example_shapes(const Descriptor& d, Findings& found) {
  if (d.example_shape.empty()) {
    found.fault(
        "no example is documented, so nothing can be run; declare d.example(settings, shapes), like d.example(\"{}\", \"[[2, 3]]\")");
    return {};
  }
  const char* const what = "the example's shapes";
  const Json list = parsed(d.example_shape, what, found);
  std::vector<Shape> shapes;
  if (list.is_array())
    for (auto& shape : list.items()) {
      shapes.emplace_back();
      if (!shape.is_array()) return found.fault(what, " are no lists of sizes: ", d.example_shape), std::vector<Shape>();
      for (auto& size : shape.items()) {
        if (!size.is_integer() || size.integer() < 1)
          return found.fault(what, " hold a size that is none: ", d.example_shape), std::vector<Shape>();
        shapes.back().push_back(size.integer());
      }
    }
  else
    return found.expect(list.is_null(), what, " are ", list.kind_text(), "; wanted a list of shapes"), shapes;
  if (d.kind == "optimizer") return shapes;
  const bool many = !d.inputs.empty() && (d.inputs.back().flags & LAMINA_MANY);
  const auto needed = size_t(std::count_if(d.inputs.begin(), d.inputs.end(), [](auto& p) { return !(p.flags & LAMINA_OPTIONAL_INPUT); }));
  if (shapes.size() < needed || (!many && shapes.size() > d.inputs.size()))
    return found.fault(what, " are ", shapes.size(), "; the plugin has ", d.inputs.size(), " inputs"), std::vector<Shape>();
  return shapes;
}

std::vector<std::vector<Shape>> near(const std::vector<Shape>& shapes) {
  std::vector<std::vector<Shape>> list;
  size_t rank = 0;
  for (auto& s : shapes) rank = std::max(rank, s.size());
  auto changed = [&](auto change) {
    list.push_back(shapes);
    for (auto& s : list.back()) change(s);
    if (list.back() == shapes) list.pop_back();
  };
  changed([](Shape& s) { s.empty() ? void() : void(s[0] = 1); });
  for (size_t axis = 0; axis < rank; ++axis) changed([&](Shape& s) { axis < s.size() ? void(++s[axis]) : void(); });
  changed([](Shape& s) {
    const int64_t primes[] = {5, 7, 11, 13, 17, 19, 23};
    for (size_t axis = 1; axis < s.size(); ++axis)
      s[axis] = *std::find_if(primes, std::end(primes) - 1, [&](int64_t p) { return p > s[axis]; });
  });
  return list;
}

PluginCase plugin_case(const Descriptor& d, const std::vector<Attribute>& settings, const std::vector<Operand>& inputs, Mode mode,
                       bool next) {
  PluginCase c;
  c.op = title(d) + (mode == Mode::training ? ", training" : ", evaluation");
  c.in = inputs, c.inputs = inputs.size();

  Graph graph(DType::float64);  // recorded once to learn what it keeps
  lamina_scope handle;
  handle.graph = &graph, handle.path = handle.state_path = "case";
  Scope scope(&host_table(), &handle);
  Tensors x;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string name = "x" + std::to_string(i);
    x.push_back(scope.emit("input", {}, {{"name", name}, {"shape", inputs[i].shape}, {"dtype", inputs[i].dtype.value_or(graph.real)}})[0]);
  }
  const Tensors y = recorded_by(d, settings, scope, x, mode);
  c.results = y.size(), c.recording = text_of(graph);
  for (auto& s : graph.states) {
    c.kept.push_back(s.path.substr(own_path.size() + 1));
    if (s.kind == StateKind::parameter) c.parameters.push_back(c.kept.back());
    if (s.current != s.first) c.assigned.push_back(c.kept.back());
    c.in.push_back(s.kind == StateKind::parameter ? real(s.type.shape) : positive(s.type.shape));
  }

  c.formula = [d, settings, mode, next, kept = c.kept, parameters = c.parameters, assigned = c.assigned, count = c.inputs](
                  Scope& s, const Tensors& in) {
    // What the plugin keeps is known to the graph already: as the operands behind its inputs.
    Graph& g = *s.handle->graph;
    for (size_t k = 0; k < kept.size(); ++k)
      for (size_t e = 0; e < g.states.size(); ++e) {
        if (g.states[e].first != from_border(in[count + k].id_in(s))) continue;
        g.state_index[own_path + "/" + kept[k]] = e;
        const bool learned = std::find(parameters.begin(), parameters.end(), kept[k]) != parameters.end();
        g.states[e].kind = learned ? StateKind::parameter : StateKind::statistic;
      }
    Tensors results = recorded_by(d, settings, s, Tensors(in.begin(), in.begin() + ptrdiff_t(count)), mode);
    for (auto& name : assigned) {
      StateEntry& entry = *g.state(own_path + "/" + name);
      if (next) results.push_back(tensor(s, entry.current));
      entry.current = entry.first;
    }
    return results;
  };
  return c;
}

Tensor record_update(const Descriptor& d, const std::vector<Attribute>& settings, Scope& scope, const std::string& path, const Tensor& w,
                     const Tensor& g) {
  lamina_scope inner;
  inner.graph = scope.handle->graph, inner.path = "optimizer", inner.state_path = path, inner.updating = inner.training = true;
  inner.settings = &settings;
  const auto views = program::views(settings);
  lamina_value next = 0;
  inner.check(copy_sized<lamina_optimizer>(d.table).update(&host_table(), &inner, views.data(), uint32_t(views.size()), w.id_in(scope),
                                                           g.id_in(scope), &next));
  return tensor(scope, from_border(next));
}

}  // namespace lamina::prove
