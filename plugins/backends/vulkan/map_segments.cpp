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

bool is_flat(const Segment& segment) {
  const Region& region = segment.op->region;
  for (const auto& i : region.instructions)
    if (i.op == "iota" || i.op == "random_bits") return false;
  for (const auto& r : region.results)
    if (r.reduce != LAMINA_KEEP) return false;
  const Nest& nest = segment.nest;
  if (nest.count == 1)  // bytes are written as whole words, which a single element has to itself only where its binding begins
    return std::none_of(segment.result_view.begin(), segment.result_view.end(),
                        [&](int v) { return is_bytes(shown(segment, size_t(v)).dtype); });
  for (size_t v = 0; v < segment.places.size(); ++v)
    if (!nest.is_flat(v) && !nest.is_single(v)) return false;
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

/// Every workgroup works on a chunk of one segment. The table has a row for each: its fours, and where each view begins in its span, in
/// fours, or in elements for one.
void add_group(Lowering& l, const Group& group) {
  const Segment& first = *group.segments[0];
  const size_t views = first.places.size();
  const uint32_t size = l.limits.lanes ? lanes_size(l.limits) : std::min<uint32_t>(256, l.limits.invocations);
  uint64_t all = 0;
  for (const Segment* s : group.segments) all += (uint64_t(s->nest.count) + 3) / 4;
  const uint64_t wanted = l.limits.lanes ? uint64_t(l.limits.processors) * 8 : 16384;
  const uint64_t chunk = std::max<uint64_t>((all + wanted * size - 1) / (wanted * size), 1) * size;
  Words rows;
  uint64_t chunks = 0;
  for (const Segment* s : group.segments) {
    const uint64_t quads = (uint64_t(s->nest.count) + 3) / 4;
    for (uint64_t at = 0; at < quads; at += chunk, ++chunks) {
      rows.push_back(uint32_t(std::min(chunk, quads - at)));
      for (size_t v = 0; v < views; ++v) {
        const uint64_t bytes = l.address(s->places[v]) - group.spans[v].low, element = size_of(group.form.types[v]);
        rows.push_back(uint32_t(group.form.one[v] ? bytes / element : bytes / (4 * element) + at));
      }
    }
  }

  Kernel kernel;
  Nest nest;  // of the loop within a chunk
  nest.count = chunk * 4, nest.sizes = {int64_t(chunk * 4)};
  std::vector<Tensor> tensors;
  for (size_t v = 0; v < views; ++v) {
    nest.strides.push_back({group.form.one[v] ? 0 : 1});
    const Span& span = group.spans[v];
    const auto space = group.form.space[v] == Place::Space::state ? Range::Space::states : Range::Space::arena;
    tensors.push_back({{space, 0, span.low, span.high - span.low}, group.form.types[v]});
  }
  const std::string table = kernel.array(l.table(rows), "uint", false), count = kernel.number(chunks);
  kernel.head += describe("if (group_number() >= ", count, ") return;\nconst uint row = group_number() * ", views + 1, ";\n");
  Elements elements(kernel, nest, tensors, Elements::Lanes::inner);
  for (uint32_t v = 0; v < views; ++v) {
    const std::string begin = kernel.define(kernel.head, "uint", describe(table, "[row + ", v + 1, "]"));
    elements.put(v, group.form.one[v], group.form.one[v] ? begin : begin + " + quad");
  }
  Values values(l, kernel, elements, first, 0);
  std::vector<std::string> results;  // all is read before anything is written
  for (const auto& r : first.op->region.results) results.push_back(values.of_instruction(r.from));
  for (size_t j = 0; j < results.size(); ++j) elements.store(kernel.loop, uint32_t(first.result_view[j]), results[j]);
  const std::string main = "void main() {\n" + kernel.head + "for (uint quad = gl_LocalInvocationID.x; quad < " + table +
                           "[row]; quad += gl_WorkGroupSize.x) {\n" + kernel.loop + "}\n}\n";
  l.add(kernel.finish("map of segments", main, size, l.spread(chunks)));
}

}  // namespace

std::vector<Segment> add_segments(Lowering& l, std::vector<Segment> segments) {
  std::vector<Segment> rest;
  std::vector<Group> groups;
  for (const Segment& s : segments) {
    if (!is_flat(s)) {
      rest.push_back(s);
      continue;
    }
    const Form form = form_of(s);
    const auto takes = [&](Group& g) { return g.add(l, s, form); };
    if (std::any_of(groups.begin(), groups.end(), takes)) continue;
    groups.push_back({form, {}, std::vector<Span>(s.places.size())});
    groups.back().add(l, s, form);
  }
  for (const Group& g : groups)
    if (l.compiling()) add_group(l, g);
  return rest;
}

}  // namespace lamina::vulkan
