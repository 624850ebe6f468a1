// The same map over many sets of tensors, such as the update of all parameters: one dispatch where they are flat.
#include <algorithm>

#include "map.hpp"

namespace lamina::vulkan {
namespace {

/// How a segment's tensors are reached, and in which buffers: what segments of one dispatch have in common.
struct Form {
  std::vector<bool> one;             ///< per view: the same element everywhere
  std::vector<Place::Space> space;   ///< per view
  std::vector<DType> types, stored;  ///< per view
  std::vector<uint32_t> scalars;     ///< per operand: its row of the step table
  auto operator<=>(const Form&) const = default;
};

bool is_folded(const Segment& segment) { return segment.op->region.results.at(0).reduce != LAMINA_KEEP; }

/// Operands are read straight through, and results are kept, or all of them are one element.
bool is_flat(const Segment& segment) {
  const Region& region = segment.op->region;
  const Nest& nest = segment.nest;
  for (const auto& i : region.instructions)
    if (i.op == "iota" || i.op == "random_bits") return false;
  for (size_t v = 0; v < segment.places.size(); ++v)
    if (!nest.is_flat(v) && !nest.is_single(v)) return false;
  for (size_t j = 0; j < region.results.size(); ++j) {
    const auto view = size_t(segment.result_view[j]);
    if ((region.results[j].reduce != LAMINA_KEEP) != is_folded(segment)) return false;
    if (is_folded(segment) && (!nest.is_single(view) || is_bytes(shown_by(segment, view).dtype))) return false;
  }
  return true;
}

Form form_of(const Lowering& l, const Segment& segment) {
  const Region& region = segment.op->region;
  Form form;
  for (size_t v = 0; v < segment.places.size(); ++v) {
    const Value& value = shown_by(segment, v);
    expect_elements(*segment.op, value);
    form.one.push_back(!segment.nest.is_flat(v));
    form.space.push_back(segment.places[v].space), form.types.push_back(stored_type(value)),
        form.stored.push_back(tensor_of(l, segment.places[v], value).stored);
  }
  for (uint32_t i = 0; i < region.operands; ++i)
    if (segment.operand_view[i] < 0) form.scalars.push_back(segment.op->in(segment.number * region.operands + i).raw.index);
  return form;
}

/// Bytes from the lowest to behind the highest of a view's places.
struct Span {
  uint64_t low = UINT64_MAX, high = 0;
  Span with(uint64_t at, uint64_t bytes) const { return {std::min(low, at), std::max(high, at + (bytes + 15) / 16 * 16)}; }
};

/// Segments of one form whose spans can be bound.
struct Group {
  Form form;
  std::vector<const Segment*> segments;
  std::vector<Span> spans;  ///< per view

  bool add(Lowering& l, const Segment& segment, const Form& its) {
    if (its != form) return false;
    std::vector<Span> wider;
    for (size_t v = 0; v < spans.size(); ++v) {
      wider.push_back(spans[v].with(l.address(segment.places[v]), l.stored_bytes(shown_by(segment, v))));
      if (!segments.empty() && wider[v].high - wider[v].low > l.limits.range) return false;
    }
    spans = std::move(wider);
    segments.push_back(&segment);
    return true;
  }
};

uint64_t quads_of(const Segment& s) { return (uint64_t(s.nest.count) + 3) / 4; }

/// Fours of a workgroup, a chunk of one segment.
struct Chunks {
  uint32_t size;   ///< invocations
  uint64_t quads;  ///< of each but a segment's last
  uint32_t slots;  ///< partial results of each
  Chunks(const Limits& limits, const std::vector<Segment>& segments) {
    size = limits.lanes ? lanes_size(limits) : std::min<uint32_t>(256, limits.invocations);
    uint64_t all = 0;
    for (const Segment& s : segments) all += quads_of(s);
    const uint64_t wanted = uint64_t(limits.processors) * 8;
    slots = limits.lanes ? size : 1;
    quads = std::clamp<uint64_t>((all + wanted * size - 1) / (wanted * size), 1, 1024) * size;
  }
  uint64_t of(const Segment& s) const { return (quads_of(s) + quads - 1) / quads; }
};

/// The span that a view shows, and where a segment begins in it: in fours, or in elements where all is one.
Tensor tensor_of(const Group& group, size_t view) {
  const Span& span = group.spans[view];
  const auto space = group.form.space[view] == Place::Space::state ? Range::Space::states : Range::Space::arena;
  return {{space, 0, span.low, span.high - span.low}, group.form.types[view], group.form.stored[view]};
}
uint32_t begin_of(Lowering& l, const Group& group, const Segment& s, size_t view) {
  const uint64_t bytes = l.address(s.places[view]) - group.spans[view].low, element = size_of(group.form.stored[view]);
  return uint32_t(bytes / (group.form.one[view] ? element : 4 * element));
}

/// Every workgroup works on a chunk.
void add_chunks(Lowering& l, const Group& group, const Chunks& chunks) {
  const Segment& first = *group.segments[0];
  const bool folded = is_folded(first);
  const size_t views = first.places.size();
  Words rows;  // per chunk: elements, where each view begins; of folded ones then the segment, its first slot, this chunk's and all of them
  uint64_t slots = 0;
  for (size_t k = 0; k < group.segments.size(); ++k) {
    const Segment& s = *group.segments[k];
    for (uint64_t at = 0; at < quads_of(s); at += chunks.quads) {
      rows.push_back(uint32_t(std::min(chunks.quads * 4, uint64_t(s.nest.count) - at * 4)));
      for (size_t v = 0; v < views; ++v) rows.push_back(uint32_t(begin_of(l, group, s, v) + (group.form.one[v] ? 0 : at)));
      if (folded)
        rows.insert(rows.end(),
                    {uint32_t(k), uint32_t(slots), uint32_t(at / chunks.quads * chunks.slots), uint32_t(chunks.of(s) * chunks.slots)});
    }
    slots += chunks.of(s) * chunks.slots;
  }
  const size_t width = 1 + views + (folded ? 4 : 0);

  Kernel kernel;
  Nest nest;  // of the loop within a chunk
  nest.count = int64_t(chunks.quads * 4), nest.sizes = {nest.count};
  std::vector<Tensor> tensors;
  for (size_t v = 0; v < views; ++v) nest.strides.push_back({group.form.one[v] ? 0 : 1}), tensors.push_back(tensor_of(group, v));
  const std::string table = kernel.array(l.table(rows), "uint", Kernel::Use::read), count = kernel.number(rows.size() / width);
  const auto column = [&](size_t i) { return kernel.define(kernel.head, "uint", describe(table, "[row + ", i, "]")); };
  kernel.head += "const uint number = gl_LocalInvocationID.x, group = group_number();\nif (group >= " + count + ") return;\n";
  kernel.head += describe("const uint row = group * ", width, ";\n");
  const std::string length = column(0);
  Elements elements(kernel, nest, tensors, Elements::Lanes::inner);
  for (uint32_t v = 0; v < views; ++v) {
    const std::string begin = column(v + 1);
    elements.put(v, group.form.one[v], group.form.one[v] ? begin : begin + " + quad", !group.form.one[v]);
  }
  Values values(l, kernel, elements, first, 0);
  std::vector<std::string> results;  // all is read before anything is written
  for (const auto& r : first.op->region.results) results.push_back(values.of_instruction(r.from));
  std::vector<Fold> folds;
  std::string sums, tail, store;
  for (size_t j = 0; j < results.size(); ++j) {
    const auto view = uint32_t(first.result_view[j]);
    elements.store(folded ? store : kernel.loop, view, folded ? describe("sum", j) : results[j]);
    if (!folded) continue;
    const Fold fold{first.op->region.results[j].reduce, tensors[view].dtype, describe("sum", j)};
    sums += fold.define();
    kernel.loop += fold.add("mix(" + fold.identity() + ", " + results[j] + ", lessThan(quad * 4 + lane, uvec4(" + length + ")))");
    if (!l.limits.lanes) tail += fold.over_workgroup("number", std::to_string(chunks.size), "1");
    tail += fold.over_lanes();
    folds.push_back(fold);
  }
  if (folded) {
    const std::string segment = column(views + 1), before = column(views + 2), slot = column(views + 3), all = column(views + 4);
    const Shares shares{
        "true", "number", std::to_string(chunks.size), "1", l.limits.lanes ? slot + " + number" : slot, all, before + " + slot_",
        slots,  segment,  group.segments.size()};
    tail += combined(l, kernel, folds, shares, store);
  }
  const std::string main = "void main() {\n" + kernel.head + sums + "for (uint quad = number; quad * 4 < " + length +
                           "; quad += gl_WorkGroupSize.x) {\n" + kernel.loop + "}\n" + tail + "}\n";
  l.add(kernel.finish("map of segments", main, chunks.size, l.spread(rows.size() / width)));
}

}  // namespace

std::vector<Segment> add_segments(Lowering& l, const std::vector<Segment>& segments) {
  std::vector<Segment> flat, rest;
  for (const Segment& s : segments) (is_flat(s) ? flat : rest).push_back(s);
  if (flat.empty()) return rest;
  const Chunks chunks(l.limits, flat);
  std::vector<Group> groups;
  for (const Segment& s : flat) {
    const Form form = form_of(l, s);
    const auto takes = [&](Group& g) { return g.add(l, s, form); };
    if (std::any_of(groups.begin(), groups.end(), takes)) continue;
    groups.push_back({form, {}, std::vector<Span>(s.places.size())});
    groups.back().add(l, s, form);
  }
  for (const Group& g : groups) add_chunks(l, g, chunks);
  return rest;
}

}  // namespace lamina::vulkan
