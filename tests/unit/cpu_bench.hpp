/// Runs hand-written programs on a backend that plans: prepare is asked, reorders are put in, views and overwrites are granted.
#pragma once
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "backend_bench.hpp"

namespace bench {

class Planned {
 public:
  /// `alias`: grant what the backend asked for (views, overwrites); else every value has bytes of its own.
  Planned(Program& source, Session& s, bool alias) : session_(s), source_(source) {
    prepare();
    insert_reorders();
    place(alias);
    create_states();
    program_ = source.view();
    program_.value_count = uint32_t(values_.size()), program_.values = values_.data();
    program_.op_count = uint32_t(ops_.size()), program_.ops = ops_.data();
    program_.arena_bytes = arena_;
    s.must(s.table->compile(&s.host, s.scope(), s.object, &program_, &executable_));
  }
  ~Planned() { session_.table->release(executable_); }
  Planned(const Planned&) = delete;

  std::vector<std::vector<double>> run(uint64_t seed = 0, uint64_t step = 0) {
    std::vector<lamina_feed> feeds;
    for (auto& f : source_.feeds) feeds.push_back({f.data(), nullptr, 0});
    std::vector<std::byte> bytes(source_.output_bytes + 1);
    const lamina_run run{sizeof run, uint32_t(feeds.size()), seed, step, 0, feeds.data(), source_.scalars.data(), bytes.data()};
    session_.must(session_.table->run(&session_.host, session_.scope(), executable_, &run));
    session_.must(session_.table->wait(&session_.host, session_.scope(), executable_));
    std::vector<std::vector<double>> results;
    for (auto& o : source_.outputs) {
      const auto& v = source_.values[o.value];
      results.push_back(numbers_of(DType(v.dtype), bytes.data() + o.offset, v.bytes / lamina::size_of(DType(v.dtype))));
    }
    return results;
  }
  size_t reorders() const { return ops_.size() - source_.ops.size(); }
  const lamina_program_value& value(uint32_t v) const { return values_[v]; }

 private:
  struct Answers {
    std::map<uint32_t, std::array<uint64_t, 3>> layouts;
    std::map<uint32_t, uint64_t> scratch;
    std::set<std::array<uint32_t, 3>> overwrites, views;
    std::map<std::pair<uint32_t, uint32_t>, std::array<uint64_t, 3>> reorders;
  };
  static Answers& of(void* plan) { return *static_cast<Answers*>(plan); }

  void prepare() {
    const lamina_planner planner{sizeof planner,
                                 [](void* p, uint32_t v, uint64_t layout, uint64_t bytes, uint64_t alignment) {
                                   of(p).layouts[v] = {layout, bytes, alignment};
                                 },
                                 [](void* p, uint32_t op, uint64_t bytes) { of(p).scratch[op] = bytes; },
                                 [](void* p, uint32_t op, uint32_t r, uint32_t o) {
                                   of(p).overwrites.insert({op, r, o});
                                 },
                                 [](void* p, uint32_t op, uint32_t r, uint32_t o) {
                                   of(p).views.insert({op, r, o});
                                 },
                                 [](void* p, uint32_t op, uint32_t o, uint64_t layout, uint64_t bytes, uint64_t alignment) {
                                   of(p).reorders[{op, o}] = {layout, bytes, alignment};
                                 }};
    session_.must(session_.table->prepare(&session_.host, session_.scope(), session_.object, &source_.view(), &planner, &answers_));
    values_ = source_.values;
    for (auto& [v, l] : answers_.layouts) values_[v].layout = l[0], values_[v].bytes = l[1], values_[v].alignment = l[2];
  }
  void insert_reorders() {
    for (uint32_t k = 0; k < source_.ops.size(); ++k) {
      lamina_program_op op = source_.ops[k];
      ins_.emplace_back(op.in, op.in + op.in_count);
      std::vector<uint32_t>& in = ins_.back();
      for (uint32_t i = 0; i < op.in_count; ++i) {
        const auto wanted = answers_.reorders.find({k, i});
        if (wanted == answers_.reorders.end()) continue;
        lamina_program_value v = values_[in[i]];
        v.kind = LAMINA_TEMPORARY, v.layout = wanted->second[0], v.bytes = wanted->second[1];
        values_.push_back(v);
        ins_.push_back({in[i]});
        outs_.push_back({uint32_t(values_.size() - 1)});
        lamina_program_op reorder{};
        reorder.size = sizeof reorder, reorder.revision = 1, reorder.name = "reorder", reorder.path = op.path;
        reorder.in = ins_.back().data(), reorder.in_count = 1, reorder.out = outs_.back().data(), reorder.out_count = 1;
        ops_.push_back(reorder);
        in[i] = outs_.back()[0];
      }
      op.in = in.data();
      if (answers_.scratch.count(k)) op.scratch_bytes = answers_.scratch[k];
      from_.resize(ops_.size(), LAMINA_ABSENT), from_.push_back(k);
      ops_.push_back(op);
    }
  }
  void place(bool alias) {
    std::vector<uint32_t> last(values_.size(), 0), block(values_.size());
    for (uint32_t k = 0; k < ops_.size(); ++k)
      for (uint32_t i = 0; i < ops_[k].in_count; ++i)
        if (ops_[k].in[i] != LAMINA_ABSENT) last[ops_[k].in[i]] = k;
    for (auto& o : source_.outputs) last[o.value] = uint32_t(ops_.size());
    std::vector<uint32_t> block_last;
    const auto fresh = [&](uint32_t v) {
      values_[v].offset = arena_, arena_ += (values_[v].bytes + 63) / 64 * 64;
      block[v] = uint32_t(block_last.size());
      block_last.push_back(last[v]);
    };
    const auto in_arena = [&](uint32_t v) { return values_[v].kind == LAMINA_TEMPORARY || values_[v].kind == LAMINA_INPUT; };
    std::vector<bool> made(values_.size(), false);
    for (auto& op : ops_)
      for (uint32_t r = 0; r < op.out_count; ++r)
        if (op.out[r] != LAMINA_ABSENT) made[op.out[r]] = true;
    for (uint32_t v = 0; v < values_.size(); ++v)
      if (!made[v] && in_arena(v)) fresh(v);
    for (uint32_t k = 0; k < ops_.size(); ++k) {
      lamina_program_op& op = ops_[k];
      for (uint32_t r = 0; r < op.out_count; ++r) {
        const uint32_t v = op.out[r];
        if (v == LAMINA_ABSENT || !in_arena(v)) continue;
        bool placed = false;
        for (uint32_t i = 0; alias && i < op.in_count && !placed && from_[k] != LAMINA_ABSENT; ++i) {
          const uint32_t f = op.in[i];
          if (f == LAMINA_ABSENT || !in_arena(f) || values_[f].bytes != values_[v].bytes) continue;
          if (answers_.views.count({from_[k], r, i})) {
            placed = true;
          } else if (answers_.overwrites.count({from_[k], r, i}) && block_last[block[f]] == k) {
            placed = true;
            for (uint32_t j = 0; j < op.in_count; ++j)
              placed = placed && (j == i || op.in[j] == LAMINA_ABSENT || !in_arena(op.in[j]) || block[op.in[j]] != block[f] ||
                                  answers_.overwrites.count({from_[k], r, j}));
            for (uint32_t q = 0; q < r; ++q) placed = placed && (op.out[q] == LAMINA_ABSENT || block[op.out[q]] != block[f]);
          }
          if (!placed) continue;
          values_[v].offset = values_[f].offset, block[v] = block[f];
          block_last[block[f]] = std::max(block_last[block[f]], last[v]);
          ++aliased;
        }
        if (!placed) fresh(v);
      }
      if (op.scratch_bytes) op.scratch = arena_, arena_ += (op.scratch_bytes + 63) / 64 * 64;
    }
  }
  void create_states() {
    std::map<uint32_t, lamina_state_entry> entries;
    for (auto& v : values_) {
      if (v.kind != LAMINA_STATE) continue;
      lamina_state_entry e{};
      e.size = sizeof e, e.dtype = v.dtype, e.rank = v.rank, e.path = "state", e.layout = v.layout, e.bytes = v.bytes,
      e.alignment = v.alignment;
      std::copy(v.dims, v.dims + v.rank, e.dims);
      entries[v.index] = e;
    }
    if (entries.empty()) return;
    std::vector<lamina_state_entry> list;
    for (auto& [index, e] : entries) list.push_back(e);
    session_.must(session_.table->state_create(&session_.host, session_.scope(), session_.object, list.data(), uint32_t(list.size())));
  }

 public:
  size_t aliased = 0;

 private:
  Session& session_;
  Program& source_;
  Answers answers_;
  std::vector<lamina_program_value> values_;
  std::vector<lamina_program_op> ops_;
  std::deque<std::vector<uint32_t>> ins_, outs_;
  std::vector<uint32_t> from_;
  lamina_program program_{};
  uint64_t arena_ = 0;
  void* executable_ = nullptr;
};

/// max |y − ref| / max(1, max |ref|); infinite where one is NaN or infinite and the other is not the same.
inline double distance(const std::vector<double>& y, const std::vector<double>& ref) {
  double worst = 0, scale = 1;
  if (y.size() != ref.size()) return INFINITY;
  for (size_t i = 0; i < y.size(); ++i) {
    if (std::isnan(ref[i]) != std::isnan(y[i])) return INFINITY;
    if (std::isinf(ref[i]) || std::isinf(y[i])) {
      if (y[i] != ref[i]) return INFINITY;
      continue;
    }
    if (std::isnan(ref[i])) continue;
    worst = std::max(worst, std::fabs(y[i] - ref[i])), scale = std::max(scale, std::fabs(ref[i]));
  }
  return worst / scale;
}

}  // namespace bench
