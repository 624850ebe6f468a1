#include "program/session.hpp"

#include <algorithm>

#include "base/failure.hpp"
#include "base/nearest.hpp"
#include "base/text.hpp"
#include "graph/op.hpp"
#include "program/devices.hpp"
#include "program/memory.hpp"
#include "program/simplify.hpp"

namespace lamina::program {
using namespace graph;

std::vector<lamina_attribute> views(const std::vector<Attribute>& settings) { return border_attributes(settings); }

namespace {
/// Runs a call into the backend; its refusal becomes a Failure with exit code 5.
template <class Call>
void call(const lamina_scope& scope, const std::string& words, Call body) {
  lamina_scope fresh;
  fresh.where = scope.where;
  if (!call_plugin(fresh, words.c_str(), body)) return;
  try {
    fresh.raise();
  } catch (const std::exception& e) {
    throw Failure(Exit::backend, e.what());
  }
}
uint64_t dense_bytes(const TensorType& type) {
  uint64_t bytes = size_of(type.dtype);
  for (auto d : type.shape) bytes *= uint64_t(d);  // the shape rules have checked for overflow
  return bytes;
}
}  // namespace

Session::Session(const Descriptor& backend, const std::vector<Attribute>& settings)
    : name_(backend.name), table_(copy_sized<lamina_backend>(backend.table)), memory_(largest_memory(backend)) {
  // What a backend refuses names what it computes, often another plugin's; its own file is of use where it crashes.
  scope_.where = "backend '" + backend.name + "'";
  words_ = scope_.where + ", plugin " + in_quotes(backend.file, 400);
  if (!table_.open || !table_.close || !table_.claims || !table_.prepare || !table_.state_create || !table_.state_read ||
      !table_.state_write || !table_.compile || !table_.release || !table_.run || !table_.wait)
    throw Failure(Exit::plugin, backend.file + ": the backend's table lacks functions that every backend needs");
  auto take_precision = [&](const Attribute& a) {
    if (a.name != "precision" || a.texts.empty()) return;
    precision_ = a.texts[0], real_ = precision_ == name_of(DType::float64) ? DType::float64 : DType::float32;
  };
  for (auto& p : backend.parameters)
    if (p.name == "precision" && p.initial && !p.initial->texts.empty()) take_precision({"precision", p.initial->texts[0]});
  for (auto& s : settings) take_precision(s);
  const auto list = views(settings);
  call(scope_, words_, [&](auto* host, auto* scope) { return table_.open(host, scope, list.data(), uint32_t(list.size()), &session_); });
}
Session::~Session() {
  const Running mark(words_.c_str());
  if (session_) table_.close(session_);
}
int64_t Session::find(const std::string& path) const {
  auto it = index_.find(path);
  return it == index_.end() ? -1 : int64_t(it->second);
}
uint64_t Session::bytes(size_t entry) const { return dense_bytes(state_.at(entry).type); }
void Session::read(size_t entry, void* to) {
  call(scope_, words_, [&](auto* host, auto* scope) { return table_.state_read(host, scope, session_, uint32_t(entry), to); });
}
void Session::write(size_t entry, const void* from) {
  call(scope_, words_, [&](auto* host, auto* scope) { return table_.state_write(host, scope, session_, uint32_t(entry), from); });
}
void Session::keep(const void* base, uint64_t bytes) {
  if (!table_.keep) return;
  call(scope_, words_, [&](auto* host, auto* scope) { return table_.keep(host, scope, session_, base, bytes); });
}
std::string Session::describe() const {
  const Running mark(words_.c_str());
  const char* text = table_.describe ? table_.describe(session_) : nullptr;
  return text ? text : name_;
}

namespace {
/// The planner handed to prepare: writes down what the backend asks for. `plan` is a Wishes.
struct Wishes {
  Lowered& program;
  Preparation preparation;
};
Wishes& wishes(void* plan) { return *static_cast<Wishes*>(plan); }
const lamina_planner planner{
    sizeof(lamina_planner),
    [](void* plan, uint32_t value, uint64_t layout, uint64_t bytes, uint64_t alignment) {
      auto& values = wishes(plan).program.values;
      if (value >= values.size() || values[value].fixed) return;
      values[value].layout = layout, values[value].bytes = bytes, values[value].alignment = std::max<uint64_t>(alignment, 1);
    },
    [](void* plan, uint32_t op, uint64_t bytes) {
      if (op < wishes(plan).program.ops.size()) wishes(plan).program.ops[op].scratch_bytes = bytes;
    },
    [](void* plan, uint32_t op, uint32_t result, uint32_t operand) { wishes(plan).preparation.overwrites.emplace(op, result, operand); },
    [](void* plan, uint32_t op, uint32_t result, uint32_t operand) { wishes(plan).preparation.views.emplace(op, result, operand); },
    [](void* plan, uint32_t op, uint32_t operand, uint64_t layout, uint64_t bytes, uint64_t alignment) {
      auto& ops = wishes(plan).program.ops;
      if (op < ops.size() && operand < ops[op].in.size())
        wishes(plan).preparation.reorders.push_back({op, operand, layout, bytes, alignment});
    }};
}  // namespace

void Session::prepare(Lowered& program) {
  for (auto& v : program.values) {
    if (v.kind == LAMINA_STATE && !places_.empty()) {
      const Place& p = places_[v.index];
      v.layout = p.layout, v.bytes = p.bytes, v.alignment = p.alignment, v.fixed = true;
    } else {
      v.bytes = dense_bytes(v.type);
    }
  }
  Wishes wishes{program, {}};
  const BorderProgram border(program);
  call(scope_, words_, [&](auto* host, auto* scope) { return table_.prepare(host, scope, session_, border.get(), &planner, &wishes); });
  plan_memory(program, std::move(wishes.preparation));
}

void Session::check_memory(const Lowered& program) const {
  uint64_t bytes = program.arena_bytes;
  for (const uint32_t v : program.state_values)
    if (v != LAMINA_ABSENT && __builtin_add_overflow(bytes, program.values[v].bytes, &bytes)) bytes = UINT64_MAX;
  if (memory_ && bytes > memory_)
    throw Failure(Exit::backend, "A step of the program '" + program.name + "' needs " + bytes_text(bytes) +
                                     " of memory, but the backend '" + name_ + "' has " + bytes_text(memory_) +
                                     "; a smaller batch_size or network helps.");
}

void Session::create_state(const Lowered& program, const Graph& graph, const std::vector<uint32_t>& entry_of) {
  places_.resize(state_.size());
  std::vector<lamina_state_entry> entries(state_.size());
  for (size_t i = 0; i < graph.states.size(); ++i) {
    const uint32_t e = entry_of[i];
    const LoweredValue& v = program.values[program.state_values[e]];
    places_[e] = {v.layout, v.bytes, v.alignment};
    entries[e] = {sizeof(lamina_state_entry),
                  uint32_t(v.type.dtype),
                  uint32_t(v.type.shape.size()),
                  {},
                  state_[e].path.c_str(),
                  v.layout,
                  v.bytes,
                  v.alignment};
    std::copy(v.type.shape.begin(), v.type.shape.end(), entries[e].dims);
  }
  call(scope_, words_,
       [&](auto* host, auto* scope) { return table_.state_create(host, scope, session_, entries.data(), uint32_t(entries.size())); });
}

std::unique_ptr<Executable> Session::compile(std::unique_ptr<Graph> graph, std::vector<NamedValue> outputs, const std::string& name,
                                             const CompileOptions& options) {
  std::unique_ptr<Executable> e(new Executable(*this, std::move(graph)));
  e->lowered_.name = name;
  const bool first = places_.empty();
  try {
    lower(*e, std::move(outputs), options);
  } catch (...) {
    if (first) state_.clear(), index_.clear(), places_.clear();  // a program that failed has laid out nothing
    throw;
  }
  e->border_ = std::make_unique<BorderProgram>(e->lowered_);
  call(scope_, words_, [&](auto* host, auto* scope) { return table_.compile(host, scope, session_, e->border_->get(), &e->executable_); });
  e->prepare_host_program();
  e->scope_.where = scope_.where;
  return e;
}

void Session::lower(Executable& to, std::vector<NamedValue> outputs, const CompileOptions& options) {
  Graph& g = *to.graph_;
  std::vector<ValueId> roots;
  for (auto& o : outputs) roots.push_back(o.value);
  simplify(g, roots);
  const Claims claims = [&](const lamina_program_op& op, const lamina_program_value* values) {
    if (!options.composites && op_named(op.name).kind == OpKind::composite) return false;
    const Running mark(words_.c_str());
    return table_.claims(session_, &op, values) != 0;
  };
  to.report_ = legalise(g, roots, claims, name_);
  simplify(g, roots);
  for (size_t i = 0; i < roots.size(); ++i) outputs[i].value = roots[i];

  const bool first = places_.empty();
  std::vector<uint32_t> entry_of;
  for (auto& s : g.states) {
    auto it = index_.find(s.path);
    if (it == index_.end()) {
      if (!first) throw Error("'" + s.path + "' is not in the state that the first program of this run laid out");
      it = index_.emplace(s.path, uint32_t(state_.size())).first;
      state_.push_back({s.path, s.kind, s.type, s.start});
    } else if (state_[it->second].type != s.type) {
      throw Error("'" + s.path + "' is " + to_text(s.type) + " here and " + to_text(state_[it->second].type) + " in the state");
    }
    entry_of.push_back(it->second);
  }
  const std::string name = std::move(to.lowered_.name);
  to.lowered_ = fuse(g, outputs, entry_of, uint32_t(state_.size()), options.fusion);
  to.lowered_.name = name;
  unite_segments(to.lowered_, g.update_rank);
  place_commits(to.lowered_);
  prepare(to.lowered_);
  check_memory(to.lowered_);
  if (first && !state_.empty()) create_state(to.lowered_, g, entry_of);
}

Executable::~Executable() {
  const Running mark(session_.words_.c_str());
  if (executable_) session_.table_.release(executable_);
}
Executable::Output Executable::output(const std::string& name) const {
  std::vector<std::string> names;
  for (auto& o : lowered_.outputs) {
    if (o.name == name) return {lowered_.values[o.value].type, o.offset};
    names.push_back(o.name);
  }
  throw Error("the program has no output '" + name + "'" + did_you_mean(name, names));
}

void Executable::prepare_host_program() {
  const HostProgram& host = lowered_.host;
  std::vector<char> varies(host.steps.size(), 0);
  numbers_.assign(host.steps.size(), 0);
  scalars_.assign(host.rows.size(), 0);
  for (auto& [step, entry] : host.sources) {
    numbers_[step] = entry.value;
    if (entry.source == ScalarEntry::setting) continue;
    varies[step] = 1;
    sources_.emplace_back(step, entry.source);
  }
  for (uint32_t k = 0; k < host.steps.size(); ++k) {
    const HostStep& s = host.steps[k];
    if (s.node->op->name == "constant") numbers_[k] = s.node->real("value");
    if (s.in.empty()) continue;
    HostOp op{k, {k, k, k}, s.node};
    for (size_t i = 0; i < s.in.size(); ++i) op.in[i] = s.in[i], varies[k] |= varies[s.in[i]];
    if (varies[k])
      varying_.push_back(op);
    else
      numbers_[k] = s.node->op->host(*s.node, numbers_[op.in[0]], numbers_[op.in[1]], numbers_[op.in[2]]);
  }
}
void Executable::evaluate_host_program(const Moment& m) {
  for (auto& [step, source] : sources_) numbers_[step] = source == ScalarEntry::step ? m.update : m.learning_rate;
  for (auto& op : varying_) numbers_[op.to] = op.node->op->host(*op.node, numbers_[op.in[0]], numbers_[op.in[1]], numbers_[op.in[2]]);
  for (size_t r = 0; r < scalars_.size(); ++r) scalars_[r] = numbers_[lowered_.host.rows[r]];
}
void Executable::run(const Moment& m, const lamina_feed* feeds, void* outputs) {
  evaluate_host_program(m);
  const lamina_run run{sizeof(lamina_run), uint32_t(lowered_.feeds.size()), m.seed, m.step, m.micro_batch, feeds, scalars_.data(), outputs};
  const auto call = [&](auto* host, auto* scope) { return session_.table_.run(host, scope, executable_, &run); };
  if (call_plugin(scope_, session_.words_.c_str(), call)) refuse();
}
void Executable::wait() {
  const auto call = [&](auto* host, auto* scope) { return session_.table_.wait(host, scope, executable_); };
  if (call_plugin(scope_, session_.words_.c_str(), call)) refuse();
}
void Executable::refuse() {
  try {
    scope_.raise();
  } catch (const std::exception& e) {
    scope_.forget();  // the next failure has a reason of its own
    throw Failure(Exit::backend, e.what());
  }
}
std::vector<OpProfile> Executable::profile(bool enable) {
  std::vector<OpProfile> result;
  const Running mark(session_.words_.c_str());
  if (!session_.table_.profile) return result;
  std::vector<lamina_profile> times(lowered_.ops.size());
  for (auto& t : times) t.size = sizeof t;
  uint32_t count = uint32_t(times.size());
  if (session_.table_.profile(executable_, enable, times.data(), &count)) return result;
  for (uint32_t i = 0; i < std::min<size_t>(count, times.size()); ++i)
    if (times[i].op < lowered_.ops.size())
      result.push_back({lowered_.ops[times[i].op].name, *lowered_.ops[times[i].op].path, times[i].seconds});
  return result;
}
std::string Executable::explain() const {
  const Running mark(session_.words_.c_str());
  const char* text = session_.table_.explain ? session_.table_.explain(executable_) : nullptr;
  return text ? text : "";
}

}  // namespace lamina::program
