#include "support/memory_check.hpp"

#include <algorithm>
#include <map>

namespace lamina::test {
namespace {

using namespace program;

struct Range {
  uint64_t begin, end;
  bool overlaps(const Range& o) const { return begin < o.end && o.begin < end; }
  bool operator==(const Range&) const = default;
};

class Player {
 public:
  explicit Player(const Lowered& p) : p_(p) {}

  std::string play() {
    for (uint32_t v = 0; v < p_.values.size(); ++v)
      if (p_.values[v].kind == LAMINA_INPUT) {
        if (fault_.empty()) claim(v, "input");
        put(v);
      }
    for (auto v : p_.state_values)
      if (v != LAMINA_ABSENT) state_[p_.values[v].index] = v;
    for (size_t k = 0; k < p_.ops.size() && fault_.empty(); ++k) step(k);
    for (auto& o : p_.outputs) want(o.value, "output " + o.name);
    for (auto& c : p_.commits) {
      const uint32_t held = state_[c.state], origin = copied_.count(held) ? copied_[held] : held;
      if (origin != c.next)
        fail("state " + std::to_string(c.state) + " ends with value " + std::to_string(origin) + " instead of " + std::to_string(c.next));
    }
    return fault_;
  }

 private:
  Range range(uint32_t v) const { return {p_.values[v].offset, p_.values[v].offset + p_.values[v].bytes}; }
  bool in_arena(uint32_t v) const { return p_.values[v].kind == LAMINA_TEMPORARY || p_.values[v].kind == LAMINA_INPUT; }
  void fail(const std::string& text) {
    if (fault_.empty()) fault_ = text;
  }
  void put(uint32_t v) { contents_[v] = range(v); }
  void claim(uint32_t v, const std::string& what) {
    const LoweredValue& value = p_.values[v];
    if (value.offset % value.alignment) fail(what + " is not aligned");
    if (range(v).end > p_.arena_bytes) fail(what + " lies outside the arena");
  }
  void erase(const Range& r) {
    std::erase_if(contents_, [&](auto& c) { return c.second.overlaps(r); });
  }
  void want(uint32_t v, const std::string& what) {
    const LoweredValue& value = p_.values[v];
    if (value.kind == LAMINA_SCALAR) return;
    if (value.kind == LAMINA_STATE) {
      while (p_.values[v].view_of != LAMINA_ABSENT) v = p_.values[v].view_of;
      if (state_[value.index] != v)
        fail(what + " reads version " + std::to_string(v) + " of state " + std::to_string(value.index) + ", which holds " +
             std::to_string(state_[value.index]));
    } else if (!contents_.count(v)) {
      fail(what + " reads value " + std::to_string(v) + ", whose place was taken or which was never made");
    }
  }
  void step(size_t k) {
    const LoweredOp& op = p_.ops[k];
    const std::string what = "op " + std::to_string(k) + " (" + op.name + ")";
    for (auto v : op.in)
      if (v != LAMINA_ABSENT) want(v, what);
    const Range scratch{op.scratch, op.scratch + op.scratch_bytes};
    if (scratch.end > p_.arena_bytes && op.scratch_bytes) fail(what + ": scratch lies outside the arena");
    for (const auto* list : {&op.in, &op.out})
      for (auto v : *list)
        if (v != LAMINA_ABSENT && in_arena(v) && op.scratch_bytes && range(v).overlaps(scratch))
          fail(what + ": scratch lies over value " + std::to_string(v));
    if (op.scratch_bytes) erase(scratch);
    for (size_t r = 0; r < op.out.size(); ++r) {
      const uint32_t v = op.out[r];
      if (v == LAMINA_ABSENT || !in_arena(v)) continue;
      claim(v, what + ", result " + std::to_string(r));
      for (size_t q = 0; q < r; ++q)
        if (op.out[q] != LAMINA_ABSENT && in_arena(op.out[q]) && range(op.out[q]).overlaps(range(v))) fail(what + ": two results overlap");
      bool view = false;
      for (auto from : op.in)
        if (from != LAMINA_ABSENT && in_arena(from) && range(from).overlaps(range(v))) {
          if (range(from) != range(v)) fail(what + ": a result lies partly over an operand");
          view |= p_.values[v].view_of == from;
        }
      if (!view) erase(range(v));
    }
    for (auto v : op.out) {
      if (v == LAMINA_ABSENT) continue;
      if (p_.values[v].kind == LAMINA_STATE) {
        if (p_.values[v].view_of != LAMINA_ABSENT) continue;
        state_[p_.values[v].index] = v;
        if (op.name == "copy" || op.name == "reorder") copied_[v] = op.in[0];
      } else {
        put(v);
      }
    }
  }

  const Lowered& p_;
  std::map<uint32_t, Range> contents_;  // value → where it stands intact
  std::map<uint32_t, uint32_t> state_, copied_;
  std::string fault_;
};

}  // namespace

std::string memory_fault(const Lowered& program) { return Player(program).play(); }

}  // namespace lamina::test
