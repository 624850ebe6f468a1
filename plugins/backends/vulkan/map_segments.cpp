// The same map over many sets of tensors, such as the update of all parameters: one dispatch where they are flat.
#include <algorithm>

#include "map.hpp"

namespace lamina::vulkan {
namespace {

/// How a segment's tensors are reached, and in which buffers: what segments of one dispatch have in common.
struct Form {
  std::vector<bool> one;            ///< per view: the same element everywhere
  std::vector<Place::Space> space;  ///< per view
  std::vector<DType> types;         ///< per view
  std::vector<uint32_t> scalars;    ///< per operand: its row of the step table
  auto operator<=>(const Form&) const = default;
};

const Value& shown(const Segment& segment, size_t view) {
  const Region& region = segment.op->region;
  for (uint32_t i = 0; i < region.operands; ++i)
    if (segment.operand_view[i] == int(view)) return segment.op->in(segment.number * region.operands + i);
  for (uint32_t j = 0; j < region.results.size(); ++j)
    if (segment.result_view[j] == int(view)) return segment.op->out(segment.number * region.results.size() + j);
  segment.op->fail("a view of segment ", segment.number, " shows nothing");
}

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
    if (is_folded(segment) && (!nest.is_single(view) || is_bytes(shown(segment, view).dtype))) return false;
  }
  return true;
}

Form form_of(const Segment& segment) {
  const Region& region = segment.op->region;
  Form form;
  for (size_t v = 0; v < segment.places.size(); ++v) {
    const Value& value = shown(segment, v);
    expect_elements(*segment.op, value);
    form.one.push_back(!segment.nest.is_flat(v));
    form.space.push_back(segment.places[v].space), form.types.push_back(stored_type(value));
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
      wider.push_back(spans[v].with(l.address(segment.places[v]), shown(segment, v).dense_bytes()));
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
  return {{space, 0, span.low, span.high - span.low}, group.form.types[view]};
}
uint32_t begin_of(Lowering& l, const Group& group, const Segment& s, size_t view) {
  const uint64_t bytes = l.address(s.places[view]) - group.spans[view].low, element = size_of(group.form.types[view]);
  return uint32_t(bytes / (group.form.one[view] ? element : 4 * element));
}

/// Every workgroup works on a chunk. Folded results leave partial ones, [chunks, slots, results].
void add_chunks(Lowering& l, const Group& group, const Chunks& chunks, const Range& partial) {
  const Segment& first = *group.segments[0];
  const bool folded = is_folded(first);
  const size_t views = first.places.size(), kept = folded ? size_t(first.result_view[0]) : views;
  Words rows;  // per chunk: elements, then where each view begins
  for (const Segment* s : group.segments)
    for (uint64_t at = 0; at < quads_of(*s); at += chunks.quads) {
      rows.push_back(uint32_t(std::min(chunks.quads * 4, uint64_t(s->nest.count) - at * 4)));
      for (size_t v = 0; v < kept; ++v) rows.push_back(uint32_t(begin_of(l, group, *s, v) + (group.form.one[v] ? 0 : at)));
    }
  const uint64_t count = rows.size() / (kept + 1);

  Kernel kernel;
  Nest nest;  // of the loop within a chunk
  nest.count = int64_t(chunks.quads * 4), nest.sizes = {nest.count};
  std::vector<Tensor> tensors;
  for (size_t v = 0; v < views; ++v) nest.strides.push_back({group.form.one[v] ? 0 : 1}), tensors.push_back(tensor_of(group, v));
  const std::string table = kernel.array(l.table(rows), "uint", false), end = kernel.number(count);
  kernel.head += "const uint number = gl_LocalInvocationID.x, group = group_number();\nif (group >= " + end + ") return;\n";
  kernel.head += describe("const uint row = group * ", kept + 1, ", length = ", table, "[row];\n");
  Elements elements(kernel, nest, tensors, Elements::Lanes::inner);
  for (uint32_t v = 0; v < kept; ++v) {
    const std::string begin = kernel.define(kernel.head, "uint", describe(table, "[row + ", v + 1, "]"));
    elements.put(v, group.form.one[v], group.form.one[v] ? begin : begin + " + quad");
  }
  Values values(l, kernel, elements, first, 0);
  std::vector<std::string> results;  // all is read before anything is written
  for (const auto& r : first.op->region.results) results.push_back(values.of_instruction(r.from));
  std::string sums, tail;
  for (size_t j = 0; j < results.size(); ++j) {
    const auto view = uint32_t(first.result_view[j]);
    if (!folded) {
      elements.store(kernel.loop, view, results[j]);
      continue;
    }
    const Fold fold{first.op->region.results[j].reduce, tensors[view].dtype};
    const std::string sum = describe("sum", j);
    sums += fold.define(sum);
    kernel.loop += fold.add(sum, "mix(" + fold.identity() + ", " + results[j] + ", lessThan(quad * 4 + lane, uvec4(length)))");
    if (!l.limits.lanes) tail += fold.over_workgroup(sum, "number", std::to_string(chunks.size), "1");
    tail += fold.over_lanes(sum);
    const std::string at = describe("[(group * ", chunks.slots, " + number) * ", results.size(), " + ", j, "] = ");
    tail +=
        describe("if (number < ", chunks.slots, ") ", kernel.array(partial, "uint", true), at, Elements::to_bits(fold.dtype, sum), ".x;\n");
  }
  const std::string main = "void main() {\n" + kernel.head + sums +
                           "for (uint quad = number; quad * 4 < length; quad += gl_WorkGroupSize.x) {\n" + kernel.loop + "}\n" + tail +
                           "}\n";
  l.add(kernel.finish("map of segments", main, chunks.size, l.spread(count)));
}

/// A workgroup per segment combines its partial results.
void add_combine(Lowering& l, const Group& group, const Chunks& chunks, const Range& partial) {
  const Segment& first = *group.segments[0];
  const auto& results = first.op->region.results;
  Words rows;  // per segment: its first partial result, how many there are, then where each result is
  uint64_t before = 0;
  for (const Segment* s : group.segments) {
    rows.insert(rows.end(), {uint32_t(before), uint32_t(chunks.of(*s) * chunks.slots)});
    before += chunks.of(*s) * chunks.slots;
    for (int v : s->result_view) rows.push_back(begin_of(l, group, *s, size_t(v)));
  }
  Kernel kernel;
  const std::string table = kernel.array(l.table(rows), "uint", false), from = kernel.array(partial, "uint", false),
                    end = kernel.number(group.segments.size());
  const uint32_t size = l.limits.lanes ? 1 : 64;
  std::string main =
      "void main() {\nconst uint number = gl_LocalInvocationID.x, group = group_number();\nif (group >= " + end + ") return;\n";
  main += describe("const uint row = group * ", results.size() + 2, ", first = ", table, "[row], count = ", table, "[row + 1];\n");
  for (size_t j = 0; j < results.size(); ++j) {
    const auto view = size_t(first.result_view[j]);
    const Fold fold{results[j].reduce, group.form.types[view]};
    const std::string sum = describe("sum", j), next = describe("uvec4(", from, "[(first + i) * ", results.size(), " + ", j, "])");
    main += fold.define(sum) + "for (uint i = number; i < count; i += gl_WorkGroupSize.x) " +
            fold.add(sum, Elements::from_bits(fold.dtype, next));
    if (size > 1) main += fold.over_workgroup(sum, "number", std::to_string(size), "1");
    main += describe("if (number == 0) ", kernel.array(tensor_of(group, view).range, "uint", true), "[", table, "[row + ", j + 2,
                     "]] = ", Elements::to_bits(fold.dtype, sum), ".x;\n");
  }
  l.add(kernel.finish("map of segments", main + "}\n", size, l.spread(group.segments.size())));
}

}  // namespace

std::vector<Segment> add_segments(Lowering& l, const std::vector<Segment>& segments) {
  std::vector<Segment> flat, rest;
  for (const Segment& s : segments) (is_flat(s) ? flat : rest).push_back(s);
  if (flat.empty()) return rest;
  std::vector<Group> groups;
  const Chunks chunks(l.limits, flat);
  const auto partial_bytes = [&](const Segment& s) { return chunks.of(s) * chunks.slots * s.result_view.size() * 4; };
  uint64_t room = 0;  // as if all of them were apart
  for (const Segment& s : flat) {
    room += partial_bytes(s) + l.limits.alignment;
    const Form form = form_of(s);
    const auto takes = [&](Group& g) { return g.add(l, s, form); };
    if (std::any_of(groups.begin(), groups.end(), takes)) continue;
    groups.push_back({form, {}, std::vector<Span>(s.places.size())});
    groups.back().add(l, s, form);
  }
  const bool folded = is_folded(flat[0]);
  Place partial = folded ? l.scratch(room) : Place{};
  for (const Group& g : groups) {
    if (!l.compiling()) break;
    uint64_t bytes = 0;
    for (const Segment* s : g.segments) bytes += partial_bytes(*s);
    add_chunks(l, g, chunks, Lowering::range(partial, bytes));
    if (folded) add_combine(l, g, chunks, Lowering::range(partial, bytes));
    partial = partial.plus((bytes + l.limits.alignment - 1) / l.limits.alignment * l.limits.alignment);
  }
  return rest;
}

}  // namespace lamina::vulkan
