#include "program/memory.hpp"

#include <algorithm>
#include <map>

#include "program/fuse.hpp"

namespace lamina::program {
namespace {

constexpr uint32_t none = 0xffffffffu;

struct Lives {
  std::vector<uint32_t> made, read;  ///< op that makes the value; last op that reads it (none: never)
  explicit Lives(const Lowered& p) : made(p.values.size(), none), read(p.values.size(), none) {
    for (uint32_t k = 0; k < p.ops.size(); ++k) {
      for (auto v : p.ops[k].in)
        if (v != LAMINA_ABSENT) read[v] = k;
      for (auto v : p.ops[k].out)
        if (v != LAMINA_ABSENT) made[v] = k;
    }
  }
};

/// The committed value goes through a temporary and is copied into the state behind all ops.
void commit_by_copy(Lowered& p, const Commit& c) {
  LoweredValue target = p.values[p.state_values[c.state]];
  p.values.push_back(target);
  static const std::string commit = "commit";
  LoweredOp op{"copy", &commit, {c.next}, {uint32_t(p.values.size() - 1)}, {}, nullptr, nullptr, {}, 0, UINT32_MAX, 0, 0};
  p.ops.push_back(std::move(op));
}

/// Free stretches of the arena; best fit, united with their neighbours when given back.
class Arena {
 public:
  uint64_t take(uint64_t bytes, uint64_t alignment) {
    if (bytes > most || alignment > most) throw Error("the program needs more memory than can be addressed");
    auto best = free_.end();
    for (auto it = free_.begin(); it != free_.end(); ++it) {
      const uint64_t start = aligned(it->first, alignment);
      if (start + bytes <= it->first + it->second && (best == free_.end() || it->second < best->second)) best = it;
    }
    if (best != free_.end()) {
      const auto [begin, length] = *best;
      free_.erase(best);
      const uint64_t start = aligned(begin, alignment), end = begin + length;
      if (start > begin) free_[begin] = start - begin;
      if (start + bytes < end) free_[start + bytes] = end - start - bytes;
      return start;
    }
    // Grow; a free stretch at the end is used.
    uint64_t begin = size_;
    if (!free_.empty()) {
      auto last = std::prev(free_.end());
      if (last->first + last->second == size_) begin = last->first, free_.erase(last);
    }
    const uint64_t start = aligned(begin, alignment);
    if (start > begin) free_[begin] = start - begin;
    if (start + bytes > most) throw Error("the program needs more memory than can be addressed");
    size_ = start + bytes;
    return start;
  }
  void give(uint64_t offset, uint64_t bytes) {
    if (!bytes) return;
    auto it = free_.emplace(offset, bytes).first;
    if (auto next = std::next(it); next != free_.end() && it->first + it->second == next->first)
      it->second += next->second, free_.erase(next);
    if (it != free_.begin())
      if (auto before = std::prev(it); before->first + before->second == it->first) before->second += it->second, free_.erase(it);
  }
  uint64_t size() const { return size_; }

 private:
  static constexpr uint64_t most = uint64_t(1) << 62;
  static uint64_t aligned(uint64_t at, uint64_t alignment) { return (at + alignment - 1) / alignment * alignment; }
  std::map<uint64_t, uint64_t> free_;
  uint64_t size_ = 0;
};

void insert_reorders(Lowered& p, const std::vector<Preparation::Reorder>& wanted, Preparation& preparation) {
  if (wanted.empty()) return;
  std::map<std::pair<uint32_t, uint64_t>, uint32_t> made;  // value and layout → the value in that layout
  std::vector<LoweredOp> ops;
  std::map<uint32_t, std::vector<Preparation::Reorder>> at;
  for (auto& r : wanted) at[r.op].push_back(r);
  std::vector<uint32_t> moved(p.ops.size());
  for (uint32_t k = 0; k < p.ops.size(); ++k) {
    for (auto& r : at[k]) {
      const uint32_t from = p.ops[k].in.at(r.operand);
      auto [it, fresh] = made.try_emplace({from, r.layout}, uint32_t(p.values.size()));
      if (fresh) {
        LoweredValue v{p.values[from].type};
        v.layout = r.layout, v.bytes = r.bytes, v.alignment = r.alignment;
        p.values.push_back(v);
        ops.push_back({"reorder", p.ops[k].path, {from}, {it->second}, {}, nullptr, nullptr, {}, 0, p.ops[k].rank, 0, 0});
      }
      p.ops[k].in[r.operand] = it->second;
    }
    moved[k] = uint32_t(ops.size());
    ops.push_back(std::move(p.ops[k]));
  }
  p.ops = std::move(ops);
  for (auto* set : {&preparation.overwrites, &preparation.views}) {
    std::set<std::tuple<uint32_t, uint32_t, uint32_t>> renumbered;
    for (auto [op, result, operand] : *set) renumbered.emplace(moved[op], result, operand);
    *set = std::move(renumbered);
  }
}

/// Takes back in-place commits that the backend's answers forbid.
void check_commits(Lowered& p, const Preparation& preparation) {
  const Lives lives(p);
  for (auto& c : p.commits) {
    LoweredValue& next = p.values[c.next];
    if (next.kind != LAMINA_STATE) continue;
    const uint32_t first = p.state_values[c.state], maker = lives.made[c.next];
    bool in_place = next.layout == p.values[first].layout && next.bytes == p.values[first].bytes;
    if (lives.read[first] == maker) {  // the maker reads the old version itself
      const LoweredOp& op = p.ops[maker];
      for (uint32_t operand = 0; operand < op.in.size(); ++operand)
        if (op.in[operand] == first) {
          const uint32_t result = uint32_t(std::find(op.out.begin(), op.out.end(), c.next) - op.out.begin());
          in_place = in_place && preparation.overwrites.count({maker, result, operand});
        }
    }
    if (in_place) continue;
    next.kind = LAMINA_TEMPORARY, next.index = 0, next.fixed = false;
    commit_by_copy(p, c);
  }
  for (auto& op : p.ops) {
    if (op.name != "copy") continue;
    LoweredValue& target = p.values[op.out[0]];
    const LoweredValue &state = p.values[p.state_values[target.index]], &from = p.values[op.in[0]];
    target.layout = state.layout, target.bytes = state.bytes, target.alignment = state.alignment;
    if (from.layout != target.layout || from.bytes != target.bytes) op.name = "reorder";
  }
}

}  // namespace

void place_commits(Lowered& p) {
  const Lives lives(p);
  std::map<uint32_t, int> uses;  // a value committed to two states lies in neither
  for (auto& c : p.commits) ++uses[c.next];
  std::vector<Commit> by_copy;
  for (auto& c : p.commits) {
    const uint32_t first = p.state_values[c.state];
    LoweredValue& next = p.values[c.next];
    const bool in_place = next.kind == LAMINA_TEMPORARY && uses[c.next] == 1 && lives.made[c.next] != none &&
                          (lives.read[first] == none || lives.read[first] <= lives.made[c.next]);
    if (!in_place) {
      by_copy.push_back(c);
      continue;
    }
    const LoweredValue& state = p.values[first];
    next.kind = LAMINA_STATE, next.index = c.state, next.fixed = state.fixed;
    next.layout = state.layout, next.bytes = state.bytes, next.alignment = state.alignment;
  }
  for (auto& c : by_copy) commit_by_copy(p, c);
}

void plan_memory(Lowered& p, Preparation preparation) {
  insert_reorders(p, preparation.reorders, preparation);
  check_commits(p, preparation);
  const Lives lives(p);
  const uint32_t end = uint32_t(p.ops.size());

  // Values that share bytes form blocks; a block is free after its last reader.
  struct Block {
    uint64_t offset = 0, bytes = 0;
    uint32_t last = 0;
    bool in_arena = false;
  };
  std::vector<Block> blocks;
  std::vector<uint32_t> block_of(p.values.size(), none), last(p.values.size(), 0);
  for (uint32_t v = 0; v < p.values.size(); ++v)
    last[v] = lives.read[v] == none ? (lives.made[v] == none ? 0 : lives.made[v]) : lives.read[v];
  for (auto& o : p.outputs) last[o.value] = end;

  Arena arena;
  std::multimap<uint32_t, uint32_t> ending;  // op → block
  auto open = [&](uint32_t v) {
    LoweredValue& value = p.values[v];
    if (value.kind != LAMINA_TEMPORARY && value.kind != LAMINA_INPUT) return;
    block_of[v] = uint32_t(blocks.size());
    value.offset = arena.take(value.bytes, value.alignment);
    blocks.push_back({value.offset, value.bytes, last[v], true});
    ending.emplace(last[v], block_of[v]);
  };
  for (uint32_t v = 0; v < p.values.size(); ++v)
    if (p.values[v].kind == LAMINA_INPUT) open(v);
  std::multimap<uint32_t, uint32_t> writes;  // state → ops that make its next version
  for (uint32_t k = 0; k < end; ++k)
    for (auto v : p.ops[k].out)
      if (v != LAMINA_ABSENT && p.values[v].kind == LAMINA_STATE) writes.emplace(p.values[v].index, k);
  const auto written = [&](uint32_t state, uint32_t after, uint32_t until) {
    const auto [begin, stop] = writes.equal_range(state);
    return std::any_of(begin, stop, [&](auto& w) { return w.second > after && w.second <= until; });
  };
  for (uint32_t k = 0; k < end; ++k) {
    LoweredOp& op = p.ops[k];
    for (uint32_t r = 0; r < op.out.size(); ++r) {
      const uint32_t v = op.out[r];
      if (v == LAMINA_ABSENT || p.values[v].kind != LAMINA_TEMPORARY) continue;
      for (uint32_t i = 0; i < op.in.size() && block_of[v] == none; ++i) {
        const uint32_t from = op.in[i];
        const bool view = preparation.views.count({k, r, i});
        if (from == LAMINA_ABSENT || (!view && !preparation.overwrites.count({k, r, i}))) continue;
        if (p.values[from].bytes != p.values[v].bytes) continue;
        if (view && p.values[from].kind == LAMINA_STATE && !written(p.values[from].index, k, last[v])) {
          p.values[v].kind = LAMINA_STATE, p.values[v].index = p.values[from].index, p.values[v].view_of = from;
          break;
        }
        if (block_of[from] == none || p.values[from].offset % p.values[v].alignment) continue;
        Block& block = blocks[block_of[from]];
        if (view) {
          p.values[v].view_of = from;
        } else {
          bool read_twice = false;  // by this op under another number: in-place would disturb it unless that is allowed too
          for (uint32_t j = 0; j < op.in.size(); ++j)
            read_twice |=
                j != i && op.in[j] != LAMINA_ABSENT && block_of[op.in[j]] == block_of[from] && !preparation.overwrites.count({k, r, j});
          bool taken = false;
          for (uint32_t q = 0; q < r; ++q) taken |= op.out[q] != LAMINA_ABSENT && block_of[op.out[q]] == block_of[from];
          if (block.last != k || read_twice || taken) continue;
        }
        block_of[v] = block_of[from];
        p.values[v].offset = p.values[from].offset;
        block.last = std::max(block.last, last[v]);
        ending.emplace(block.last, block_of[v]);
      }
      if (block_of[v] == none) open(v);  // unless it became a view of a state
    }
    if (op.scratch_bytes) {
      op.scratch = arena.take(op.scratch_bytes, 64);
      arena.give(op.scratch, op.scratch_bytes);
    }
    for (auto [it, stop] = ending.equal_range(k); it != stop; ++it) {
      Block& block = blocks[it->second];
      if (block.last == k && block.in_arena) arena.give(block.offset, block.bytes), block.in_arena = false;
    }
  }
  p.arena_bytes = arena.size();

  p.output_bytes = 0;
  for (auto& o : p.outputs) {
    const LoweredValue& v = p.values[o.value];
    uint64_t bytes = size_of(v.type.dtype);
    for (auto d : v.type.shape) bytes *= uint64_t(d);
    o.offset = p.output_bytes;
    p.output_bytes += (bytes + 63) / 64 * 64;
  }
}

}  // namespace lamina::program
