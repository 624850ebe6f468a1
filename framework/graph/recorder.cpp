#include "graph/recorder.hpp"

#include <lamina/philox.hpp>
#include <lamina/sized.hpp>

#include <algorithm>

#include "base/nearest.hpp"
#include "base/text.hpp"
#include "graph/op.hpp"

using namespace lamina;
using namespace lamina::graph;

void lamina_scope::fail(const char* text) {
  std::lock_guard lock(mutex_);
  if (!failed_) error_ = text ? text : "";
  failed_ = true;
}
void lamina_scope::point_at(const char* setting, const char* place) {
  std::lock_guard lock(mutex_);
  if (setting_.empty()) setting_ = setting ? setting : "", place_ = place ? place : "";
}
void lamina_scope::raise() const {
  std::lock_guard lock(mutex_);
  const std::string reason = error_.empty() ? "the plugin failed without giving a reason" : error_;
  throw Error(sentence((place_.empty() ? "" : place_ + ": ") + reason), setting_);
}
std::string lamina_scope::sentence(const std::string& reason) const {
  return (where.empty() ? reason : where + ": " + reason) + (file.empty() ? "" : " (plugin " + in_quotes(file, 400) + ")");
}
std::string lamina_scope::in_words() const { return where + (file.empty() ? "" : ", plugin " + in_quotes(file, 400)); }

void lamina_scope::forget() {
  std::lock_guard lock(mutex_);
  error_.clear(), setting_.clear(), place_.clear();
  failed_ = false;
}

namespace lamina::graph {
namespace {

Hdf5Reader hdf5_reader = nullptr;

Attribute copied(const lamina_attribute& a) {
  Attribute c(a.name ? a.name : "", 0);
  c.type = a.type, c.integers.clear();
  if (a.count && !a.data) throw Error("attribute '" + c.name + "' has no data");
  for (uint32_t i = 0; i < a.count; ++i) switch (a.type & 0xff) {
      case LAMINA_REAL:
        c.reals.push_back(static_cast<const double*>(a.data)[i]);
        break;
      case LAMINA_TEXT:
        c.texts.push_back(static_cast<const char* const*>(a.data)[i]);
        break;
      default:
        c.integers.push_back(static_cast<const int64_t*>(a.data)[i]);
    }
  return c;
}

void check_attributes(const Op& op, std::vector<Attribute>& attributes) {
  for (auto& a : attributes) {
    const AttributeRule* rule = nullptr;
    std::vector<std::string> names;
    for (auto& r : op.attributes) {
      names.push_back(r.name);
      if (r.name == a.name) rule = &r;
    }
    if (!rule && a.name.rfind("initializer.", 0) == 0 && op.name == "parameter") continue;
    if (!rule) throw Error(op.name + " has no attribute '" + a.name + "'" + did_you_mean(a.name, names));
    if (a.type == LAMINA_INTEGER && a.count() == 1 && rule->type == LAMINA_REAL)
      a.reals = {double(a.integers.at(0))}, a.integers.clear(), a.type = LAMINA_REAL;
    if (a.type != rule->type && !(a.type == LAMINA_INTEGER && rule->type == LAMINA_DTYPE))
      throw Error(op.name + ": attribute '" + a.name + "' has the wrong type");
    if (!a.is_list() && a.count() != 1) throw Error(op.name + ": attribute '" + a.name + "' wants one value");
    if (rule->type == LAMINA_DTYPE && !size_of(DType(a.integers[0]))) throw Error(op.name + ": attribute '" + a.name + "' names no type");
  }
  for (auto& r : op.attributes) {
    bool given = !r.required;
    for (auto& a : attributes) given |= a.name == r.name;
    if (!given) throw Error(op.name + ": attribute '" + r.name + "' is missing");
  }
}

Initializer start_of(const Node& n) {
  if (n.op->name == "state") {
    Initializer start("constant", 0, 0);
    start.settings.emplace_back("value", n.find("value") ? n.real("value") : 0.0);
    return start;
  }
  Initializer start(n.text("initializer").c_str(), n.find("fan_in") ? n.integer("fan_in") : 0,
                    n.find("fan_out") ? n.integer("fan_out") : 0);
  for (auto& a : n.attributes)
    if (a.name.rfind("initializer.", 0) == 0) {
      Attribute setting = a;
      setting.name = a.name.substr(12);
      start.settings.push_back(setting);
    }
  return start;
}

/// The state's current version if this program knows it already.
ValueId known_state(lamina_scope& s, const std::string& path, StateKind kind, const TensorType& type) {
  StateEntry* e = s.graph->state(path);
  if (!e) return absent;
  if (e->kind != kind) throw Error("'" + path + "' is a parameter of one and a state of another; rename a layer or block");
  if (e->type != type)
    throw Error("'" + path + "' is " + to_text(e->type) + " and is asked for as " + to_text(type) + "; a shared tensor has one shape");
  return e->current;
}
ValueId known_scalar(lamina_scope& s, const std::string& name) {
  for (auto& e : s.graph->scalars)
    if (e.name == name) return e.id;
  return absent;
}
std::string scalar_name(const lamina_scope& s, const std::string& name) {
  if (!s.updating) return s.path + "/" + name;
  const bool shared = s.group.empty() || name == "learning_rate" || name == "step";
  return shared ? name : s.group + "." + name;  // without a slash it can be no layer's
}
/// The setting of a declared name, or the element of a list that stands for it: "parameters.beta.value" is in "parameters.*.value" what
/// "beta" is in "parameters.*". Null when there is none.
const double* per_step_setting(const std::vector<Attribute>& settings, const std::string& name) {
  const auto find = [&](const std::string& wanted) {
    const auto at = std::find_if(settings.begin(), settings.end(), [&](auto& a) { return a.name == wanted; });
    return at == settings.end() ? nullptr : &*at;
  };
  const size_t first = name.find('.'), last = name.rfind('.');
  if (first == last) {
    const Attribute* a = find(name);
    return a && !a->reals.empty() ? &a->reals[0] : nullptr;
  }
  const std::string group = name.substr(0, first) + ".*";
  const Attribute *keys = find(group), *values = find(group + name.substr(last));
  for (size_t k = 0; keys && values && k < std::min(keys->texts.size(), values->reals.size()); ++k)
    if (keys->texts[k] == name.substr(first + 1, last - first - 1)) return &values->reals[k];
  return nullptr;
}
void add_scalar(lamina_scope& s, const std::string& full, const std::string& name, ValueId id) {
  ScalarEntry e{ScalarEntry::setting, full, 0, id};
  if (full == "learning_rate") {
    e.source = ScalarEntry::learning_rate;
  } else if (full == "step") {
    e.source = ScalarEntry::step;
  } else {
    const double* setting = s.settings ? per_step_setting(*s.settings, name) : nullptr;
    if (!setting) throw Error("no per-step setting is called '" + name + "' here");
    e.value = *setting;
  }
  s.graph->scalars.push_back(e);
}

}  // namespace

std::vector<ValueId> record_node(lamina_scope& s, const Op& op, std::vector<ValueId> in, std::vector<Attribute> attributes) {
  Graph& g = *s.graph;
  if (in.size() < op.least_inputs || in.size() > op.most_inputs)
    throw Error(
        describe(op.name, " wants ", op.least_inputs, op.most_inputs > op.least_inputs ? " or more" : "", " operands, got ", in.size()));
  check_attributes(op, attributes);
  if (op.kind != OpKind::elementwise && op.kind != OpKind::source)
    for (auto& v : in)  // only elementwise ops compute with lone numbers; the others get a tensor of rank 0
      if (v != absent && g.values[v].hosted) v = record_node(s, op_named("broadcast"), {v}, {{"shape", Shape{}}})[0];
  Inference inference{op, g.real, {}, attributes};
  for (auto v : in) inference.in.push_back(v == absent ? nullptr : &g.values[v]);
  for (size_t i = 0; i < in.size(); ++i)
    if (in[i] == absent) throw Error(describe(op.name, ": operand ", i, " is absent"));
  std::vector<TensorType> types = op.infer(inference);

  Node node{&op, g.path(s.path), in, {}, std::move(attributes)};
  std::string state, scalar;
  const StateKind kind = op.name == "parameter" ? StateKind::parameter : s.updating ? StateKind::slot : StateKind::statistic;
  if (op.name == "parameter" || op.name == "state") {
    const std::string& name = node.text("name");
    state = s.updating ? name + "/" + s.state_path : (s.state_path.empty() ? name : s.state_path + "/" + name);
    if (const ValueId v = known_state(s, state, kind, types[0]); v != absent) return {v};
  } else if (op.name == "scalar") {
    scalar = scalar_name(s, node.text("name"));
    if (const ValueId v = known_scalar(s, scalar); v != absent) return {v};
  } else if (op.name == "random_bits") {
    if (!node.find("key")) {
      const std::string stream = s.path + "/" + (node.find("stream") ? node.text("stream") : "");
      node.attributes.emplace_back("key", int64_t(stream_key(stream)));
    }
  } else if (op.name == "assign") {
    StateEntry* entry = nullptr;
    for (auto& e : g.states)
      if (e.current == in[0]) entry = &e;
    if (!entry) throw Error("assign wants the current version of a state");
    state = entry->path;
  }
  const uint32_t number = uint32_t(g.nodes.size());
  for (size_t i = 0; i < types.size(); ++i)
    node.out.push_back(g.add_value(number, uint32_t(i), types[i], inference.hosted && types[i].shape.empty()));
  const std::vector<ValueId> out = node.out;
  g.add_node(std::move(node));

  if (!scalar.empty()) add_scalar(s, scalar, g.nodes.back().text("name"), out[0]);
  if (op.name == "assign") {
    g.state(state)->current = out[0];
  } else if (!state.empty()) {
    g.state_index[state] = g.states.size();
    g.states.push_back({state, kind, types[0], start_of(g.nodes.back()), out[0], out[0]});
  } else if (op.name == "input") {
    g.inputs.push_back({g.nodes.back().text("name"), types[0], out[0]});
  }
  return out;
}

namespace {

template <class Body>
lamina_status guarded(lamina_scope* s, Body body) noexcept {
  try {
    body();
    return 0;
  } catch (const std::exception& e) {
    s->fail(e.what());
  } catch (...) {
    s->fail("something that is no std::exception was thrown");
  }
  return 1;
}
void want_recording(const lamina_scope* s, const char* what) {
  if (!s->graph) throw Error(std::string(what) + " is only possible while a formula is recorded");
}
ValueId value_of(const lamina_scope* s, lamina_value v, size_t operand) {
  const ValueId id = from_border(v);
  if (id != absent && id >= s->graph->values.size()) throw Error(describe("operand ", operand, " is no value of this graph"));
  return id;
}

lamina_status emit(lamina_scope* s, const char* name, const lamina_value* in, uint32_t in_count, const lamina_attribute* attributes,
                   uint32_t attribute_count, lamina_value* out, uint32_t* out_count) {
  return guarded(s, [&] {
    want_recording(s, "emit");
    const Op* op = find_op(name);
    if (!op || !op->infer) {
      std::vector<std::string> names;
      for (auto& o : ops()) names.push_back(o.name);
      throw Error("no op is called '" + std::string(name) + "' in this version" + did_you_mean(name, names));
    }
    std::vector<ValueId> ids;
    for (uint32_t i = 0; i < in_count; ++i) ids.push_back(value_of(s, in[i], i));
    std::vector<Attribute> own;
    for (uint32_t i = 0; i < attribute_count; ++i) own.push_back(copied(attributes[i]));
    std::vector<ValueId> results = record_node(*s, *op, std::move(ids), std::move(own));
    // A layer's rate scale is a constant factor on the scheduled rate; hosted, so it costs nothing.
    if (s->updating && s->rate_scale != 1 && op->name == "scalar" && s->graph->node_of(results[0]).text("name") == "learning_rate") {
      const ValueId scale = record_node(*s, op_named("constant"), {}, {{"value", s->rate_scale}})[0];
      results = record_node(*s, op_named("multiply"), {results[0], scale}, {});
    }
    if (*out_count < results.size()) throw Error("there is too little room for the results of " + op->name);
    *out_count = uint32_t(results.size());
    for (size_t i = 0; i < results.size(); ++i) out[i] = to_border(results[i]);
  });
}
lamina_status shape(lamina_scope* s, lamina_value v, lamina_shape* out) {
  return guarded(s, [&] {
    want_recording(s, "shape");
    const ValueId id = value_of(s, v, 0);
    if (id == absent) throw Error("the shape of an absent tensor was asked for");
    const TensorType& type = s->graph->values[id].type;
    *out = {uint32_t(type.dtype), uint32_t(type.shape.size()), {}};
    std::copy(type.shape.begin(), type.shape.end(), out->dims);
  });
}
constexpr int64_t most_items = int64_t(1) << 48;  // backends multiply by their threads

/// A name stands for one kernel in all of a plugin: errors and profiles tell them apart by it.
void want_one_kernel(const Graph& g, const std::string& path, const lamina_kernel& k) {
  for (const Node& n : g.nodes) {
    if (!n.kernel || n.path != &path || n.text("name") != k.name) continue;
    const lamina_kernel other = border::read_sized(n.kernel);
    if (other.cpu_float != k.cpu_float || other.cpu_double != k.cpu_double || other.glsl != k.glsl || other.gradient != k.gradient)
      throw Error(describe("kernel ", k.name, ": the plugin has two kernels of this name; a name stands for one"));
  }
}
lamina_status kernel(lamina_scope* s, const lamina_kernel* k, const lamina_value* in, uint32_t in_count, const double* constants,
                     uint32_t constant_count, const lamina_shape* out_shapes, lamina_value* out, uint32_t out_count, int64_t items) {
  return guarded(s, [&] {
    want_recording(s, "kernel");
    if (!k) throw Error("a kernel was to be recorded, but its table is missing");
    const lamina_kernel known = border::read_sized(k);
    const char* name = known.name;
    if (!name || !*name) throw Error("a kernel has no name");
    if (items < 1 || items > most_items)
      throw Error(describe("kernel ", name, ": ", items, " work items were asked for; wanted 1 to ", most_items));
    if (out_count < 1) throw Error(describe("kernel ", name, ": it has no results"));
    if (!known.cpu_float && !known.cpu_double && !known.glsl)
      throw Error(describe("kernel ", name, ": it has no body, neither for CPUs nor in GLSL"));
    Graph& g = *s->graph;
    want_one_kernel(g, *g.path(s->path), known);
    Node node{&op_named("kernel"), g.path(s->path), {}, {}, {{"name", name}}, k, {constants, constants + constant_count}, items};
    for (uint32_t i = 0; i < in_count; ++i) {
      const ValueId id = value_of(s, in[i], i);
      if (id == absent) throw Error(describe("kernel ", name, ": operand ", i, " is absent"));
      if (g.values[id].hosted || g.values[id].type.dtype != g.real)
        throw Error(describe("kernel ", name, ": operand ", i, " must be a tensor of the program's real type"));
      node.in.push_back(id);
    }
    std::vector<Attribute> none;
    const Inference checks{*node.op, g.real, {}, none};
    const uint32_t number = uint32_t(g.nodes.size());
    std::vector<Shape> shapes;
    for (uint32_t i = 0; i < out_count; ++i) {
      if (out_shapes[i].rank > LAMINA_MAX_RANK) throw Error("a result has too many axes");
      shapes.emplace_back(out_shapes[i].dims, out_shapes[i].dims + out_shapes[i].rank);
      checked_elements(checks, shapes.back());
    }
    for (uint32_t i = 0; i < out_count; ++i) {
      node.out.push_back(g.add_value(number, i, {g.real, shapes[i]}, false));
      out[i] = to_border(node.out.back());
    }
    g.add_node(std::move(node));
  });
}
uint32_t training(lamina_scope* s) { return s->training; }
void fail(lamina_scope* s, const char* text) { s->fail(text); }
void point_at(lamina_scope* s, const char* setting, const char* place) { s->point_at(setting, place); }
uint32_t supports(lamina_scope*, const char* op) { return find_op(op) != nullptr; }
lamina_status uniform(lamina_scope* s, uint64_t first, uint64_t count, double* out) {
  return guarded(s, [&] {
    if (!s->uniform) throw Error("random numbers are for initializers");
    s->uniform(first, count, out);
  });
}
lamina_status read_hdf5(lamina_scope* s, const char* path, const char* name, lamina_shape* shape, void* data, uint64_t bytes) {
  if (!hdf5_reader) return s->fail("this program reads no HDF5"), 1;
  return hdf5_reader(s, path, name, shape, data, bytes);
}

}  // namespace

const lamina_host& host_table() {
  static const lamina_host table{sizeof(lamina_host), LAMINA_MINOR, emit, shape, kernel, training, fail, supports, uniform,
                                 read_hdf5,           point_at};
  return table;
}
void offer_hdf5_reader(Hdf5Reader reader) { hdf5_reader = reader; }

}  // namespace lamina::graph
