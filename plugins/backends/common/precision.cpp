#include "precision.hpp"

#include <algorithm>
#include <set>
#include <string>

namespace lamina::backends {

namespace {

constexpr int64_t least_elements = 1024;

/// How many of an op's operands give it the numbers that it moves as they are; 0 for one that computes.
size_t moved_operands(const Op& op) {
  static const std::set<std::string, std::less<>> moves = {"reshape", "transpose", "copy",       "reorder",  "slice", "reverse",
                                                           "pad",     "max_pool",  "max_unpool", "max_take", "gather"};
  return op.name == "concat" ? op.in_count() : moves.contains(op.name) ? 1 : 0;
}
bool changes_state(const Op& op) {
  for (size_t i = 0; i < op.out_count(); ++i)
    if (op.has_out(i) && op.out(i).is(LAMINA_STATE)) return true;
  return false;
}
bool counts(DType type) { return type == DType::int32 || type == DType::uint32; }

/// Values that are not stored in 16 bits for what they mean.
class Wide {
 public:
  explicit Wide(const Program& program) : kinds_(program.values.size(), Kind::real), learned_(program.values.size(), 0) {
    for (const Value& v : program.values)
      kinds_[v.number] = v.is(LAMINA_SCALAR) ? Kind::constant : counts(v.dtype) ? Kind::whole : Kind::real;
    for (const Op& op : program.ops) forwards(op);
    for (size_t i = program.ops.size(); i-- > 0;) backwards(program.ops[i]);
  }
  bool operator()(const Value& v) const { return kinds_[v.number] == Kind::whole || learned_[v.number]; }

 private:
  /// What adding, choosing and moving make of several kinds is the largest of them.
  enum class Kind : uint8_t { constant, whole, real };

  void forwards(const Op& op) {
    if (const size_t moved = moved_operands(op)) {
      Kind kind = Kind::constant;
      for (size_t i = 0; i < moved; ++i) kind = std::max(kind, op.has_in(i) ? kinds_[op.in(i).number] : Kind::real);
      if (op.has_out(0)) kinds_[op.out(0).number] = kind;
    }
    if (op.name != "map") return;
    static const std::set<std::string, std::less<>> keeps = {"cast", "broadcast", "stop_gradient", "add",     "subtract", "negate",
                                                             "abs",  "floor",     "minimum",       "maximum", "select"};
    const Region& region = op.region;
    for (uint32_t s = 0; s < region.spaces.size(); ++s) {
      std::vector<Kind> kinds;
      for (uint32_t i = 0; i < region.operands; ++i) kinds.push_back(kinds_[op.in(s * region.operands + i).number]);
      for (const Instruction& in : region.instructions) {
        Kind kind = Kind::constant;
        for (size_t k = in.op == "select" ? 1 : 0; k < in.in.size(); ++k) kind = std::max(kind, kinds[in.in[k]]);
        if (kind == Kind::whole && !keeps.contains(in.op)) kind = Kind::real;
        kinds.push_back(counts(in.dtype) || in.op == "iota" ? Kind::whole : kind);
      }
      for (size_t j = 0; j < region.results.size(); ++j)
        kinds_[op.out(s * region.results.size() + j).number] = kinds[region.operands + region.results[j].from];
    }
  }

  /// What becomes whole was so before, whatever lies between; what a state changes by comes elementwise from its gradient.
  void backwards(const Op& op) {
    if (op.name == "map") return backwards_through_map(op);
    for (size_t i = 0; i < moved_operands(op); ++i)
      if (op.has_in(i) && op.has_out(0)) inherit(op.in(i), op.out(0));
  }
  void inherit(const Value& from, const Value& to) {
    if (kinds_[to.number] == Kind::whole) kinds_[from.number] = Kind::whole;
    if (learned_[to.number]) learned_[from.number] = 1;
  }
  void backwards_through_map(const Op& op) {
    const Region& region = op.region;
    const bool updates = changes_state(op);
    for (uint32_t s = 0; s < region.spaces.size(); ++s) {
      const auto operand = [&](uint32_t i) -> const Value& { return op.in(s * region.operands + i); };
      const auto result = [&](size_t j) -> const Value& { return op.out(s * region.results.size() + j); };
      std::vector<char> whole(region.operands + region.instructions.size(), 0);
      for (size_t j = 0; j < region.results.size(); ++j)
        if (kinds_[result(j).number] == Kind::whole) whole[region.operands + region.results[j].from] = 1;
      for (size_t i = region.instructions.size(); i-- > 0;) {
        const Instruction& in = region.instructions[i];
        if (in.dtype != DType::boolean && (whole[region.operands + i] || counts(in.dtype)))
          for (uint32_t k : in.in) whole[k] = 1;
      }
      for (uint32_t i = 0; i < region.operands; ++i) {
        bool learns = updates;
        for (size_t j = 0; j < region.results.size(); ++j)
          learns = learns || (learned_[result(j).number] && region.results[j].reduce == LAMINA_KEEP && operand(i).shape == result(j).shape);
        if (learns) learned_[operand(i).number] = 1;
        if (whole[i] && is_real(operand(i).dtype)) kinds_[operand(i).number] = Kind::whole;
      }
    }
  }

  std::vector<Kind> kinds_;
  std::vector<char> learned_;
};

}  // namespace

std::vector<const Value*> narrow_values(const Program& program, const std::function<Reach(const Op&)>& reach_of,
                                        const std::function<bool(const Value&)>& fits) {
  const Wide wide(program);
  std::vector<char> narrow(program.values.size(), 0);
  for (const Value& v : program.values)
    narrow[v.number] =
        v.is(LAMINA_TEMPORARY) && v.dtype == DType::float32 && v.rank() >= 2 && v.count() >= least_elements && !wide(v) && fits(v);
  for (const auto& o : program.outputs) narrow[o.value] = 0;

  std::vector<std::vector<uint32_t>> together;
  for (const Op& op : program.ops) {
    const Reach reach = changes_state(op) ? Reach{} : reach_of(op);
    std::vector<uint32_t> tied;
    const auto look = [&](const Value& v, bool reached) {
      if (!reached) narrow[v.number] = 0;
      if (reached && reach.together) tied.push_back(v.number);
    };
    for (uint32_t i = 0; i < op.in_count(); ++i)
      if (op.has_in(i)) look(op.in(i), reach.operands >> std::min(i, 31u) & 1);
    for (uint32_t i = 0; i < op.out_count(); ++i)
      if (op.has_out(i))
        look(op.out(i),
             reach.result && (op.name == "map" ? op.region.results[i % op.region.results.size()].reduce == LAMINA_KEEP : i == 0));
    if (tied.size() > 1) together.push_back(std::move(tied));
  }
  // Chains settle after as many rounds as they are long.
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& tied : together) {
      const auto number = std::count_if(tied.begin(), tied.end(), [&](uint32_t v) { return narrow[v]; });
      if (number == 0 || size_t(number) == tied.size()) continue;
      for (uint32_t v : tied) narrow[v] = 0;
      changed = true;
    }
  }
  std::vector<const Value*> list;
  for (const Value& v : program.values)
    if (narrow[v.number]) list.push_back(&v);
  return list;
}

}  // namespace lamina::backends
