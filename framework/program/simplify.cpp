#include "program/simplify.hpp"

#include <cstring>
#include <queue>
#include <unordered_map>

#include "graph/op.hpp"

namespace lamina::program {
using namespace graph;

std::vector<uint32_t> ordered_nodes(const Graph& g, const std::vector<ValueId>& roots) {
  std::vector<char> live(g.nodes.size(), 0);
  std::vector<uint32_t> stack;
  auto visit = [&](ValueId v) {
    if (v != absent && !live[g.values[v].node]) live[g.values[v].node] = 1, stack.push_back(g.values[v].node);
  };
  for (auto v : roots) visit(v);
  while (!stack.empty()) {
    const uint32_t n = stack.back();
    stack.pop_back();
    for (auto v : g.nodes[n].in) visit(v);
  }
  std::vector<uint32_t> waiting(g.nodes.size(), 0);
  std::vector<std::vector<uint32_t>> readers(g.nodes.size());
  using Ready = std::pair<uint32_t, uint32_t>;  // rank, node
  std::priority_queue<Ready, std::vector<Ready>, std::greater<>> ready;
  for (uint32_t n = 0; n < g.nodes.size(); ++n) {
    if (!live[n]) continue;
    for (auto v : g.nodes[n].in)
      if (v != absent) ++waiting[n], readers[g.values[v].node].push_back(n);
    if (!waiting[n]) ready.emplace(g.nodes[n].rank, n);
  }
  std::vector<uint32_t> order;
  while (!ready.empty()) {
    const uint32_t n = ready.top().second;
    ready.pop();
    order.push_back(n);
    for (auto r : readers[n])
      if (--waiting[r] == 0) ready.emplace(g.nodes[r].rank, r);
  }
  return order;
}

namespace {

class Simplifier {
 public:
  explicit Simplifier(Graph& g) : g_(g), replaced_(g.values.size()) {
    for (ValueId v = 0; v < replaced_.size(); ++v) replaced_[v] = v;
  }
  ValueId now(ValueId v) const { return v == absent ? absent : replaced_[v]; }

  void visit(uint32_t number) {
    Node& n = g_.nodes[number];
    for (auto& v : n.in) v = now(v);
    if (n.op->name == "assign") return replace(n.out[0], n.in[1]);
    if (n.op->kind == OpKind::elementwise) {
      pull_broadcasts(n);
      if (fold(n)) return unite(number);
    }
    if (fold_uniform(number)) return unite(number);
    if (const ValueId same = does_nothing(n); same != absent) return replace(n.out[0], same);
    if (n.op->kind != OpKind::source || n.op->name == "constant") unite(number);
  }

 private:
  const Value& value(ValueId v) const { return g_.values[v]; }
  const Node& maker(ValueId v) const { return g_.node_of(v); }
  void replace(ValueId from, ValueId to) { replaced_[from] = to; }
  bool is_constant(ValueId v) const { return maker(v).op->name == "constant"; }
  bool is_constant(ValueId v, double c) const {
    if (maker(v).op->name == "broadcast") v = maker(v).in[0];  // whether the shape changes is for the caller to see
    return is_constant(v) && maker(v).real("value") == c;
  }

  /// Operands of elementwise ops broadcast by themselves: a broadcast before one is dropped where the shape stays.
  void pull_broadcasts(Node& n) {
    if (n.op->name == "broadcast" || n.in.size() < 2) return;
    for (auto& v : n.in) {
      if (maker(v).op->name != "broadcast") continue;
      const ValueId source = maker(v).in[0], kept = v;
      if (value(source).hosted) continue;  // it gives the result its type
      v = source;
      Shape shape;
      for (auto o : n.in) {
        const Shape& s = value(o).type.shape;
        if (shape.size() < s.size()) shape.insert(shape.begin(), s.size() - shape.size(), 1);
        for (size_t i = 0; i < s.size(); ++i) shape[shape.size() - s.size() + i] = std::max(shape[shape.size() - s.size() + i], s[i]);
      }
      if (shape != value(n.out[0]).type.shape) v = kept;
    }
  }
  bool fold(Node& n) {
    if (n.in.empty() || !n.op->host || !value(n.out[0]).hosted) return false;
    double x[3] = {};
    for (size_t i = 0; i < n.in.size(); ++i) {
      if (!is_constant(n.in[i])) return false;
      x[i] = maker(n.in[i]).real("value");
    }
    const double result = n.op->host(n, x[0], x[1], x[2]);
    n.op = &op_named("constant"), n.in.clear(), n.attributes = {{"value", result}};
    return true;
  }
  /// The number that a tensor holds everywhere, if it is known.
  std::optional<double> uniform(ValueId v) const {
    while (maker(v).op->name == "broadcast" || maker(v).op->name == "reshape") v = maker(v).in[0];
    return is_constant(v) ? std::optional(maker(v).real("value")) : std::nullopt;
  }
  /// A tensor computed from numbers alone becomes a number, repeated: the gradient of a mean loss, say.
  bool fold_uniform(uint32_t number) {
    const Node& n = g_.nodes[number];
    const bool moves = n.op->name == "broadcast" || n.op->name == "reshape";
    if (n.in.empty() || n.in.size() > 3 || !(n.op->host || moves) || n.out.size() != 1) return false;
    const Value result = value(n.out[0]);
    if (result.hosted || result.type.dtype != g_.real || (n.op->name == "broadcast" && is_constant(n.in[0]))) return false;
    double x[3] = {};
    for (size_t i = 0; i < n.in.size(); ++i) {
      const auto known = n.in[i] == absent ? std::nullopt : uniform(n.in[i]);
      if (!known) return false;
      x[i] = *known;
    }
    const double folded = moves ? x[0] : n.op->host(n, x[0], x[1], x[2]);
    Node constant{&op_named("constant"), n.path, {}, {}, {{"value", folded}}};
    const uint32_t made = g_.add_node(std::move(constant));
    g_.nodes[made].rank = g_.nodes[number].rank;
    const ValueId source = g_.add_value(made, 0, {DType::float64, {}}, true);
    g_.nodes[made].out = {source};
    replaced_.push_back(source);
    Node& now = g_.nodes[number];
    now.op = &op_named("broadcast"), now.in = {source}, now.attributes = {{"shape", result.type.shape}};
    return true;
  }
  /// The operand that this node's only result equals, if there is one.
  ValueId does_nothing(const Node& n) const {
    if (n.out.size() != 1 || n.in.empty()) return absent;
    const std::string& op = n.op->name;
    ValueId same = absent;
    auto is = [&](size_t i, double c) { return is_constant(n.in[i], c); };
    if (op == "select" && is_constant(n.in[0]))
      same = n.in[is_constant(n.in[0], 0) ? 2 : 1];
    else if (op == "add")
      same = is(1, 0) ? n.in[0] : is(0, 0) ? n.in[1] : absent;
    else if (op == "subtract")
      same = is(1, 0) ? n.in[0] : absent;
    else if (op == "multiply")
      same = is(1, 1) ? n.in[0] : is(0, 1) ? n.in[1] : absent;
    else if (op == "divide")
      same = is(1, 1) ? n.in[0] : absent;
    else if (op == "logical_or")
      same = is(1, 0) ? n.in[0] : is(0, 0) ? n.in[1] : absent;
    else if (op == "logical_and")
      same = is(1, 1) ? n.in[0] : is(0, 1) ? n.in[1] : absent;
    else if (op == "reshape" || op == "broadcast" || op == "cast" || op == "stop_gradient")
      same = n.in[0];
    else if (op == "negate" && maker(n.in[0]).op->name == "negate")
      same = maker(n.in[0]).in[0];
    else if (op == "sum" || op == "max" || op == "min")
      same = n.in[0];  // over axes of size 1: the type comparison below decides
    if (same == absent) return absent;
    const Value &from = value(n.out[0]), &to = value(same);
    return from.type == to.type && from.hosted == to.hosted ? same : absent;
  }
  void unite(uint32_t number) {
    const Node& n = g_.nodes[number];
    key_.clear();
    auto put = [&](const void* data, size_t bytes) { key_.append(static_cast<const char*>(data), bytes); };
    const uint64_t counts[] = {n.in.size(), n.attributes.size(), n.constants.size(), uint64_t(n.items)};
    put(&n.op, sizeof n.op), put(&n.kernel, sizeof n.kernel), put(counts, sizeof counts);
    if (n.kernel)  // all others' result types follow from what is in the key
      for (auto v : n.out) {
        const Shape& shape = value(v).type.shape;
        const uint64_t rank = shape.size();
        put(&rank, sizeof rank), put(shape.data(), rank * sizeof(int64_t));
      }
    put(n.in.data(), n.in.size() * sizeof(ValueId));
    for (auto& a : n.attributes) {
      if (a.name == "stream") continue;  // the key says it
      const uint32_t count = a.count();
      key_ += a.name, key_ += '=', put(&count, sizeof count);
      put(a.integers.data(), a.integers.size() * sizeof(int64_t)), put(a.reals.data(), a.reals.size() * sizeof(double));
      for (auto& t : a.texts) key_ += t, key_ += '\0';
      key_ += ';';
    }
    put(n.constants.data(), n.constants.size() * sizeof(double));
    auto [it, fresh] = seen_.try_emplace(key_, number);
    if (!fresh)
      for (size_t i = 0; i < n.out.size(); ++i) replace(n.out[i], g_.nodes[it->second].out[i]);
  }

  Graph& g_;
  std::vector<ValueId> replaced_;
  std::unordered_map<std::string, uint32_t> seen_;
  std::string key_;
};

}  // namespace

void simplify(Graph& g, std::vector<ValueId>& roots) {
  Simplifier s(g);
  std::vector<ValueId> all = roots;
  for (auto& e : g.states) all.push_back(e.current);
  for (uint32_t n : ordered_nodes(g, all)) s.visit(n);
  for (auto& v : roots) v = s.now(v);
  for (auto& e : g.states) e.current = s.now(e.current);
}

}  // namespace lamina::program
