// A map right behind a sum, over its results alone, such as the mean behind the sum: the sum's last workgroup computes it too.
#include <algorithm>

#include "map.hpp"

namespace lamina::vulkan {
namespace {

bool overlap(const Range& a, const Range& b) {
  return a.space == b.space && a.entry == b.entry && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
}
bool same_place(const Range& a, const Range& b) { return a.space == b.space && a.entry == b.entry && a.offset == b.offset; }

/// The results of these folds, seen through the loops that are kept, lie in memory as the loops run.
bool is_dense(const Pass& pass) {
  const uint32_t view = pass.folded[0].view;
  const std::vector<size_t> folded = folded_loops(pass.nest, view);
  int64_t expected = 1;
  for (size_t i = pass.nest.sizes.size(); i-- > 0;) {
    if (std::find(folded.begin(), folded.end(), i) != folded.end()) continue;
    for (const Pass::Result& r : pass.folded)
      if (pass.nest.sizes[i] > 1 && pass.nest.strides[r.view][i] != expected) return false;
    expected *= pass.nest.sizes[i];
  }
  return true;
}

/// Elementwise over `count` elements in row-major order: a nest of one loop.
bool is_simple(Lowering& l, const Op& op, int64_t count) {
  const Region& region = op.region;
  if (op.name != "map" || region.spaces.size() != 1 || element_count(region.spaces[0]) != count) return false;
  for (const auto& i : region.instructions)
    if (i.op == "random_bits" || i.op == "iota") return false;
  for (const auto& r : region.results)
    if (r.reduce != LAMINA_KEEP) return false;
  const auto fits = [&](const Value& v) {
    return v.is(LAMINA_SCALAR) || (l.token(v) == 0 && size_of(l.stored(v)) == 4 && (v.count() == count || v.count() == 1));
  };
  for (size_t i = 0; i < op.in_count(); ++i)
    if (!fits(op.in(i))) return false;
  for (size_t i = 0; i < op.out_count(); ++i)
    if (!fits(op.out(i))) return false;
  return true;
}

}  // namespace

std::optional<Epilogue> epilogue_of(Lowering& l, const Pass& pass) {
  const Op* next = l.compiling() ? l.following(pass.op) : nullptr;
  if (!next || pass.folded.empty() || !is_dense(pass)) return {};
  if (pass.op.region.spaces.size() != 1) return {};  // the next may read what a later segment sums up
  int64_t count = pass.nest.count;
  for (size_t i : folded_loops(pass.nest, pass.folded[0].view)) count /= pass.nest.sizes[i];
  if (!is_simple(l, *next, count)) return {};

  Epilogue e{plan_segment(l, *next, 0), {}, {}};
  bool reads = false;
  e.sums.assign(e.segment.places.size(), -1);
  for (size_t v = 0; v < e.segment.places.size(); ++v) {
    const Value& value = shown_by(e.segment, v);
    expect_elements(*next, value);
    e.tensors.push_back(tensor_of(l, e.segment.places[v], value));
    if (!e.segment.nest.is_flat(v) && !e.segment.nest.is_single(v)) return {};
  }
  for (int v : e.segment.operand_view)
    for (size_t j = 0; v >= 0 && j < pass.folded.size(); ++j)
      if (same_place(e.tensors[size_t(v)].range, pass.tensors[pass.folded[j].view].range)) e.sums[size_t(v)] = int(j), reads = true;
  if (!reads) return {};

  // Its results may lie where other workgroups still read: memory takes the two ops to run one after the other.
  for (int v : e.segment.result_view) {
    const Range& to = e.tensors[size_t(v)].range;
    for (size_t t = 0; t < pass.tensors.size(); ++t) {
      const auto is_view = [&](const Pass::Result& r) { return r.view == t; };
      const bool sum = std::any_of(pass.folded.begin(), pass.folded.end(), is_view) && same_place(to, pass.tensors[t].range);
      if (pass.tensors[t].range.bytes && overlap(to, pass.tensors[t].range) && !sum) return {};
    }
  }
  std::vector<Tensor> all = pass.tensors;
  all.insert(all.end(), e.tensors.begin(), e.tensors.end());
  if (!fit_bindings(l, all, 2 + pass.folded.size())) return {};
  l.merged.insert(next->number);
  return e;
}

std::string text_of(Lowering& l, Kernel& kernel, const Epilogue& e, const std::vector<Fold>& sums, bool wide) {
  std::string outside;
  std::swap(outside, kernel.loop);
  const Nest& nest = e.segment.nest;
  Elements elements(kernel, nest, e.tensors, Elements::Lanes::free);
  for (uint32_t v = 0; v < e.tensors.size(); ++v) {
    const bool one = nest.is_single(v);
    elements.put(v, one || !wide, one ? "0u" : "here", true);
    if (e.sums[v] >= 0) elements.give(v, sums[size_t(e.sums[v])].sum);
  }
  Values values(l, kernel, elements, e.segment, 0);
  std::vector<std::string> results;  // all is read before anything is written
  for (const auto& r : e.segment.op->region.results) results.push_back(values.of_instruction(r.from));
  for (size_t j = 0; j < results.size(); ++j) elements.store(kernel.loop, uint32_t(e.segment.result_view[j]), results[j]);
  std::swap(outside, kernel.loop);
  return outside;
}

}  // namespace lamina::vulkan
