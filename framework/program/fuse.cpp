#include "program/fuse.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "graph/op.hpp"
#include "program/simplify.hpp"

namespace lamina::program {
using namespace graph;
namespace {

constexpr size_t most_instructions = 48, most_operands = 24;
constexpr uint32_t none = 0xffffffffu;

/// Nodes that run as one op.
struct Group {
  Shape space;
  bool region = false;
  std::vector<uint32_t> nodes;  ///< in running order
  size_t operands = 0;          ///< an upper bound
};

class Fusion {
 public:
  Fusion(const Graph& g, const std::vector<uint32_t>& order, bool unite) : g_(g), unite_(unite), group_of_(g.nodes.size(), none) {
    for (uint32_t n : order)
      if (runs(n)) order_.push_back(n);
    readers_.resize(g.nodes.size());
    for (uint32_t n : order_)
      for (auto v : g_.nodes[n].in)
        if (v != absent && runs(g_.values[v].node)) readers_[g_.values[v].node].push_back(n);
    pull();
    if (unite_) push();
    for (auto& group : groups_) group.nodes.clear();  // groups() fills them in running order
  }
  /// Groups in running order.
  std::vector<Group> groups() {
    std::vector<std::set<uint32_t>> after(groups_.size());
    std::vector<uint32_t> waiting(groups_.size(), 0), result;
    for (uint32_t n : order_)
      for (uint32_t r : readers_[n])
        if (group_of_[n] != group_of_[r] && after[group_of_[n]].insert(group_of_[r]).second) ++waiting[group_of_[r]];
    std::set<std::pair<uint32_t, uint32_t>> ready;  // rank of the last member, group
    auto rank = [&](uint32_t k) {
      uint32_t r = 0;
      for (auto n : groups_[k].nodes) r = std::max(r, g_.nodes[n].rank);
      return r;
    };
    for (uint32_t n : order_) groups_[group_of_[n]].nodes.push_back(n);
    for (uint32_t k = 0; k < groups_.size(); ++k)
      if (!groups_[k].nodes.empty() && !waiting[k]) ready.emplace(rank(k), k);
    std::vector<Group> sorted;
    while (!ready.empty()) {
      const uint32_t k = ready.begin()->second;
      ready.erase(ready.begin());
      for (uint32_t next : after[k])
        if (!--waiting[next]) ready.emplace(rank(next), next);
      sorted.push_back(std::move(groups_[k]));
    }
    return sorted;
  }

 private:
  bool runs(uint32_t n) const { return g_.nodes[n].op->kind != OpKind::source && !g_.values[g_.nodes[n].out[0]].hosted; }
  bool fusible(uint32_t n) const { return g_.nodes[n].op->kind == OpKind::elementwise || g_.nodes[n].op->kind == OpKind::reduction; }
  bool reduces(uint32_t n) const { return g_.nodes[n].op->kind == OpKind::reduction; }
  const Shape& space(uint32_t n) const {
    const Node& node = g_.nodes[n];
    return g_.values[reduces(n) ? node.in[0] : node.out[0]].type.shape;
  }
  bool has_room(const Group& a, size_t nodes, size_t operands) const {
    return a.nodes.size() + nodes <= most_instructions && a.operands + operands <= most_operands;
  }

  /// From the sinks up: a node joins a reader's group when every other reader stands strictly nearer to the sinks, so that no path can
  /// leave the group and come back. Masks and other cheap intermediates thus land where they are used. Groups of equal height have no path
  /// between them, so readers in several of them become one: the updates of all that an optimizer keeps of a tensor are one pass.
  void pull() {
    std::vector<uint32_t> height;  // of a group: longest way to a sink
    for (size_t i = order_.size(); i-- > 0;) {
      const uint32_t n = order_[i];
      uint32_t best = none;
      uint32_t top = 0;
      for (uint32_t r : readers_[n]) top = std::max(top, height[group_of_[r]]);
      if (unite_ && fusible(n) && !reduces(n) && !readers_[n].empty()) {
        std::set<uint32_t> tops;
        for (uint32_t r : readers_[n])
          if (height[group_of_[r]] == top) tops.insert(group_of_[r]);
        best = joined(tops, n);
      }
      if (best == none) {
        best = uint32_t(groups_.size());
        groups_.push_back({space(n), fusible(n), {}, 0});
        height.push_back(readers_[n].empty() ? 0 : top + 1);
      }
      group_of_[n] = best;
      groups_[best].nodes.push_back(n);
      groups_[best].operands += g_.nodes[n].in.size();
    }
  }
  /// The group that the groups `tops` and node n can be; none where they cannot be one.
  uint32_t joined(const std::set<uint32_t>& tops, uint32_t n) {
    size_t nodes = 1, operands = g_.nodes[n].in.size();
    for (uint32_t k : tops) {
      if (!groups_[k].region || groups_[k].space != space(n)) return none;
      nodes += groups_[k].nodes.size(), operands += groups_[k].operands;
    }
    if (nodes > most_instructions || operands > most_operands) return none;
    Group& into = groups_[*tops.begin()];
    for (uint32_t k : tops) {
      if (k == *tops.begin()) continue;
      Group& other = groups_[k];
      for (uint32_t member : other.nodes) group_of_[member] = *tops.begin();
      into.nodes.insert(into.nodes.end(), other.nodes.begin(), other.nodes.end());
      into.operands += other.operands;
      other = {};
    }
    return *tops.begin();
  }
  /// From the sources down: a group joins the group of a producer when all else that it reads is ready strictly earlier. A gradient and the
  /// reduction that closes it become one pass over memory.
  void push() {
    std::vector<uint32_t> first(groups_.size(), none), depth(groups_.size(), 0), sequence;
    // Groups in an order in which each comes after those it reads.
    std::vector<std::set<uint32_t>> before(groups_.size()), after(groups_.size());
    for (uint32_t n : order_)
      for (uint32_t r : readers_[n])
        if (group_of_[n] != group_of_[r]) before[group_of_[r]].insert(group_of_[n]), after[group_of_[n]].insert(group_of_[r]);
    std::vector<uint32_t> waiting(groups_.size());
    for (uint32_t k = 0; k < groups_.size(); ++k) {
      waiting[k] = uint32_t(before[k].size());
      if (!waiting[k]) sequence.push_back(k);
    }
    for (size_t i = 0; i < sequence.size(); ++i)
      for (uint32_t next : after[sequence[i]])
        if (!--waiting[next]) sequence.push_back(next);
    std::vector<uint32_t> merged(groups_.size());
    for (uint32_t k = 0; k < merged.size(); ++k) merged[k] = k;
    for (uint32_t k : sequence) {
      std::set<uint32_t> producers;
      for (uint32_t b : before[k]) producers.insert(merged[b]);
      uint32_t deepest = none, second = 0, top = 0;
      for (uint32_t p : producers) {
        if (deepest == none || depth[p] > top) {
          if (deepest != none) second = std::max(second, top + 1);
          deepest = p, top = depth[p];
        } else {
          second = std::max(second, depth[p] + 1);
        }
      }
      depth[k] = deepest == none ? 0 : top + 1;
      if (deepest == none || second > top || !groups_[k].region || !groups_[deepest].region) continue;
      Group& into = groups_[deepest];
      if (into.space != groups_[k].space || !has_room(into, groups_[k].nodes.size(), groups_[k].operands) ||
          reads_reduced(k, deepest, merged))
        continue;
      into.nodes.insert(into.nodes.end(), groups_[k].nodes.begin(), groups_[k].nodes.end());
      into.operands += groups_[k].operands;
      merged[k] = deepest;
    }
    for (auto& k : group_of_)
      if (k != none) k = merged[k];
  }
  /// Whether group k reads a reduced result of group p: that is complete only when p has ended.
  bool reads_reduced(uint32_t k, uint32_t p, const std::vector<uint32_t>& merged) const {
    for (uint32_t n : groups_[k].nodes)
      for (auto v : g_.nodes[n].in)
        if (v != absent && runs(g_.values[v].node) && merged[group_of_[g_.values[v].node]] == p && reduces(g_.values[v].node)) return true;
    return false;
  }

  const Graph& g_;
  const bool unite_;
  std::vector<uint32_t> order_, group_of_;
  std::vector<std::vector<uint32_t>> readers_;
  std::vector<Group> groups_;
};

/// Writes groups as ops, and hosted values as the host's own small program.
class Emission {
 public:
  Emission(const Graph& g, Lowered& out)
      : g_(g), out_(out), lowered_(g.values.size(), LAMINA_ABSENT), host_step_(g.values.size(), LAMINA_ABSENT) {}

  uint32_t value(ValueId v) {
    if (lowered_[v] != LAMINA_ABSENT) return lowered_[v];
    LoweredValue value{g_.values[v].type};
    if (g_.values[v].hosted) {
      value.kind = LAMINA_SCALAR, value.index = uint32_t(out_.host.rows.size());
      out_.host.rows.push_back(host(v));
    }
    out_.values.push_back(value);
    return lowered_[v] = uint32_t(out_.values.size() - 1);
  }
  void emit(const Group& group, const std::vector<char>& wanted) {
    const Node& first = g_.nodes[group.nodes[0]];
    LoweredOp op{group.region ? "map" : first.op->name,
                 g_.nodes[group.nodes.back()].path,
                 {},
                 {},
                 {},
                 nullptr,
                 first.kernel,
                 first.constants,
                 first.items,
                 0,
                 0,
                 0};
    for (uint32_t n : group.nodes) op.rank = std::max(op.rank, g_.nodes[n].rank);
    if (group.region) {
      region(group, wanted, op);
    } else {
      op.attributes = first.attributes;
      for (auto v : first.in) op.in.push_back(v == absent ? LAMINA_ABSENT : tensor_operand(v, op));
      for (auto v : first.out) {
        // Kernels write all their results; a primitive's first is what it is for.
        const bool always = first.kernel || (first.op->kind == OpKind::primitive && v == first.out[0]);
        op.out.push_back(always || wanted[v] ? value(v) : LAMINA_ABSENT);
      }
    }
    out_.ops.push_back(std::move(op));
  }

 private:
  uint32_t host(ValueId v) {
    if (host_step_[v] != LAMINA_ABSENT) return host_step_[v];
    const Node& n = g_.node_of(v);
    HostStep step{&n, {}};
    for (auto in : n.in) step.in.push_back(host(in));
    const uint32_t number = uint32_t(out_.host.steps.size());
    out_.host.steps.push_back(step);
    for (auto& s : g_.scalars)
      if (s.id == v) out_.host.sources.emplace_back(number, s);
    return host_step_[v] = number;
  }
  uint32_t tensor_operand(ValueId v, const LoweredOp& op) {
    if (g_.values[v].hosted)
      throw Error("layer '" + *op.path + "': " + op.name + " wants a tensor where it got a lone number; broadcast it first");
    return value(v);
  }
  /// The type in which a lone number meets the other operands of n.
  DType operand_type(const Node& n, size_t i) const {
    const std::string& op = n.op->name;
    if ((op == "select" && i == 0) || n.op->name.rfind("logical_", 0) == 0) return DType::boolean;
    if (op == "select") return g_.values[n.out[0]].type.dtype;
    for (auto v : n.in)
      if (!g_.values[v].hosted) return g_.values[v].type.dtype;
    return g_.values[n.out[0]].type.dtype;
  }
  void region(const Group& group, const std::vector<char>& wanted, LoweredOp& op) {
    auto r = std::make_unique<Region>();
    std::map<ValueId, uint32_t> operand, made;                // numbers of operands; instructions of results
    std::map<std::pair<ValueId, uint32_t>, uint32_t> number;  // instructions of lone numbers in a type
    // Operands first, since instructions are counted behind them.
    for (uint32_t n : group.nodes)
      for (auto v : g_.nodes[n].in) {
        const bool inside = std::find(group.nodes.begin(), group.nodes.end(), g_.values[v].node) != group.nodes.end();
        if (inside || (g_.values[v].hosted && g_.node_of(v).op->name == "constant")) continue;
        if (operand.emplace(v, uint32_t(operand.size())).second) op.in.push_back(value(v));
      }
    r->operand_count = uint32_t(operand.size());
    auto add = [&](Instruction i) {
      r->instructions.push_back(std::move(i));
      return uint32_t(r->instructions.size() - 1);
    };
    auto source = [&](const Node& n, size_t i) -> uint32_t {
      const ValueId v = n.in[i];
      if (g_.values[v].hosted) {
        const DType type = operand_type(n, i);
        auto [it, fresh] = number.try_emplace({v, uint32_t(type)}, 0);
        if (fresh) {
          const Node& maker = g_.node_of(v);
          it->second =
              maker.op->name == "constant" ? add({"constant", type, {}, maker.attributes}) : add({"cast", type, {operand.at(v)}, {}});
        }
        return r->operand_count + it->second;
      }
      auto it = made.find(v);
      return it != made.end() ? r->operand_count + it->second : operand.at(v);
    };
    for (uint32_t k : group.nodes) {
      const Node& n = g_.nodes[k];
      const ValueId result = n.out[0];
      if (n.op->kind == OpKind::reduction) {
        uint32_t from = source(n, 0);
        from = from < r->operand_count ? add({"broadcast", g_.values[result].type.dtype, {from}, {}}) : from - r->operand_count;
        const uint32_t how = n.op->name == "sum" ? LAMINA_SUM : n.op->name == "max" ? LAMINA_MAX : LAMINA_MIN;
        r->results.push_back({sizeof(lamina_region_result), from, how});
        op.out.push_back(value(result));
        continue;
      }
      Instruction i{n.op->name, g_.values[result].type.dtype, {}, {}};
      for (size_t in = 0; in < n.in.size(); ++in) i.in.push_back(source(n, in));
      for (const char* name : {"axis", "key", "bits"})
        if (auto* a = n.find(name)) i.attributes.push_back(*a);
      made[result] = add(std::move(i));
      if (wanted[result]) {
        r->results.push_back({sizeof(lamina_region_result), made[result], LAMINA_KEEP});
        op.out.push_back(value(result));
      }
    }
    r->spaces = {group.space};
    op.region = std::move(r);
  }

  const Graph& g_;
  Lowered& out_;
  std::vector<uint32_t> lowered_, host_step_;
};

/// What comes from outside and is committed to a state (two states that change places), and a version that the host wants to see although
/// the step replaces it, are copied first.
void keep_old_versions(Lowered& program) {
  static const std::string path = "commit";
  std::set<uint32_t> replaced;
  for (auto& c : program.commits) replaced.insert(program.state_values[c.state]);
  std::map<uint32_t, uint32_t> copies;
  std::vector<LoweredOp> ops;
  auto copy = [&](uint32_t from) {
    auto [it, fresh] = copies.try_emplace(from, uint32_t(program.values.size()));
    if (fresh) {
      const TensorType type = program.values[from].type;
      program.values.push_back({type});
      auto region = std::make_unique<Region>();
      region->operand_count = 1;
      region->instructions.push_back({"stop_gradient", type.dtype, {0}, {}});
      region->results.push_back({sizeof(lamina_region_result), 0, LAMINA_KEEP});
      region->spaces = {type.shape};
      ops.push_back({"map", &path, {from}, {it->second}, {}, std::move(region), nullptr, {}, 0, 0, 0, 0});
    }
    return it->second;
  };
  for (auto& c : program.commits)
    if (program.values[c.next].kind != LAMINA_TEMPORARY) c.next = copy(c.next);
  for (auto& o : program.outputs)
    if (replaced.count(o.value)) o.value = copy(o.value);
  program.ops.insert(program.ops.begin(), std::make_move_iterator(ops.begin()), std::make_move_iterator(ops.end()));
}

}  // namespace

Lowered fuse(const Graph& g, const std::vector<NamedValue>& outputs, const std::vector<uint32_t>& entry_of, uint32_t entry_count,
             bool unite) {
  std::vector<ValueId> roots;
  for (auto& o : outputs) roots.push_back(o.value);
  for (auto& s : g.states) roots.push_back(s.current);
  const std::vector<uint32_t> order = ordered_nodes(g, roots);
  std::vector<Group> groups = Fusion(g, order, unite).groups();

  // A result is written to memory when another group, the host or a state wants it.
  std::vector<char> wanted(g.values.size(), 0);
  for (auto v : roots) wanted[v] = 1;
  std::vector<uint32_t> group_of(g.nodes.size(), none);
  for (uint32_t k = 0; k < groups.size(); ++k)
    for (auto n : groups[k].nodes) group_of[n] = k;
  for (uint32_t n : order)
    for (auto v : g.nodes[n].in)
      if (v != absent && (group_of[n] != group_of[g.values[v].node] || g.nodes[g.values[v].node].op->kind == OpKind::reduction))
        wanted[v] = 1;

  Lowered program;
  program.state_values.assign(entry_count, LAMINA_ABSENT);
  Emission emission(g, program);
  // Who runs the program need not have what nothing reads, such as the targets that a transform of inputs and targets brought along.
  std::vector<char> read(g.nodes.size(), 0);
  for (uint32_t n : order) read[n] = 1;
  for (auto& in : g.inputs) {
    if (!read[g.values[in.id].node]) continue;
    const uint32_t v = emission.value(in.id);
    program.values[v].kind = LAMINA_INPUT, program.values[v].index = uint32_t(program.feeds.size());
    program.feeds.push_back(in.column);
  }
  for (size_t i = 0; i < g.states.size(); ++i) {
    const uint32_t v = emission.value(g.states[i].first);
    program.values[v].kind = LAMINA_STATE, program.values[v].index = entry_of[i];
    program.state_values[entry_of[i]] = v;
  }
  for (auto& group : groups) emission.emit(group, wanted);
  for (size_t i = 0; i < g.states.size(); ++i)
    if (g.states[i].current != g.states[i].first) program.commits.push_back({entry_of[i], emission.value(g.states[i].current)});
  for (auto& o : outputs) {
    if (g.values[o.value].hosted) throw Error("output '" + o.name + "' is a lone number of the host; broadcast it first");
    program.outputs.push_back({o.name, emission.value(o.value)});
  }
  keep_old_versions(program);
  return program;
}

void order_ops(Lowered& program) {
  const size_t count = program.ops.size();
  std::vector<uint32_t> made_by(program.values.size(), none), waiting(count, 0);
  std::vector<std::vector<uint32_t>> after(count);
  for (uint32_t k = 0; k < count; ++k)
    for (auto v : program.ops[k].out)
      if (v != LAMINA_ABSENT) made_by[v] = k;
  for (uint32_t k = 0; k < count; ++k)
    for (auto v : program.ops[k].in)
      if (v != LAMINA_ABSENT && made_by[v] != none) ++waiting[k], after[made_by[v]].push_back(k);
  std::set<std::pair<uint32_t, uint32_t>> ready;  // rank, op
  for (uint32_t k = 0; k < count; ++k)
    if (!waiting[k]) ready.emplace(program.ops[k].rank, k);
  std::vector<LoweredOp> sorted;
  while (!ready.empty()) {
    const uint32_t k = ready.begin()->second;
    ready.erase(ready.begin());
    for (uint32_t next : after[k])
      if (!--waiting[next]) ready.emplace(program.ops[next].rank, next);
    sorted.push_back(std::move(program.ops[k]));
  }
  program.ops = std::move(sorted);
}

void unite_segments(Lowered& program, uint32_t update_rank) {
  // Regions at the same height above the sinks cannot depend on each other, so any of them may run together.
  const size_t count = program.ops.size();
  std::vector<uint32_t> made_by(program.values.size(), none), height(count, 0);
  for (size_t k = 0; k < count; ++k)
    for (auto v : program.ops[k].out)
      if (v != LAMINA_ABSENT) made_by[v] = uint32_t(k);
  for (size_t k = count; k-- > 0;)
    for (auto v : program.ops[k].in)
      if (v != LAMINA_ABSENT && made_by[v] != none) height[made_by[v]] = std::max(height[made_by[v]], height[k] + 1);

  std::map<std::pair<uint32_t, std::string>, uint32_t> alike;  // height and expression → the op that takes the others in
  for (size_t k = 0; k < count; ++k) {
    LoweredOp& op = program.ops[k];
    if (!op.region || op.rank < update_rank) continue;
    std::string code;
    for (auto v : op.in) code += char('0' + int(program.values[v].type.dtype)), code += program.values[v].kind == LAMINA_SCALAR ? 's' : 't';
    for (auto& i : op.region->instructions) {
      code += i.op + char(i.dtype);
      for (auto in : i.in) code += "," + std::to_string(in);
      for (auto& a : i.attributes) {
        code += a.name;
        for (auto v : a.integers) code += " " + std::to_string(v);
        for (auto v : a.reals) code.append(reinterpret_cast<const char*>(&v), sizeof v);
      }
      code += ";";
    }
    for (auto& r : op.region->results) code += " " + std::to_string(r.from) + "/" + std::to_string(r.reduce);
    auto [it, fresh] = alike.try_emplace({height[k], code}, uint32_t(k));
    if (fresh) continue;
    LoweredOp& into = program.ops[it->second];
    into.in.insert(into.in.end(), op.in.begin(), op.in.end());
    into.out.insert(into.out.end(), op.out.begin(), op.out.end());
    into.region->spaces.push_back(op.region->spaces[0]);
    into.rank = std::max(into.rank, op.rank);
    op.name.clear();  // taken in
  }
  std::erase_if(program.ops, [](const LoweredOp& op) { return op.name.empty(); });
  order_ops(program);
}

}  // namespace lamina::program
