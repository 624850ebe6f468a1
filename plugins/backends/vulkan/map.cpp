// "map": fused elementwise regions, closed by reductions or not.
#include "map.hpp"

#include <algorithm>
#include <map>

namespace lamina::vulkan {

const Value& shown_by(const Segment& segment, size_t view) {
  const Region& region = segment.op->region;
  for (uint32_t i = 0; i < region.operands; ++i)
    if (segment.operand_view[i] == int(view)) return segment.op->in(segment.number * region.operands + i);
  for (uint32_t j = 0; j < region.results.size(); ++j)
    if (segment.result_view[j] == int(view)) return segment.op->out(segment.number * region.results.size() + j);
  segment.op->fail("a view of segment ", segment.number, " shows nothing");
}

std::vector<size_t> folded_loops(const Nest& nest, uint32_t view) {
  std::vector<size_t> loops;
  for (size_t i = 0; i < nest.sizes.size(); ++i)
    if (nest.sizes[i] > 1 && nest.strides[view][i] == 0) loops.push_back(i);
  return loops;
}

void add_elementwise(Lowering& l, const Pass& pass) {
  Kernel kernel;
  const std::vector<Tensor> tensors = bindable(l, pass.tensors, 1);
  Elements elements(kernel, pass.nest, tensors, lanes_of(pass.nest));
  const auto count = uint64_t(pass.nest.count), quads = (count + 3) / 4;
  // Random numbers come in blocks for elements 16 apart: then a unit is four fours of 16 neighbours, one behind every fourth.
  const auto& instructions = pass.op.region.instructions;
  const bool random = std::any_of(instructions.begin(), instructions.end(), [](auto& i) { return i.op == "random_bits"; });
  Turns turns = turns_of(l.limits, random ? (quads + 15) / 16 * 4 : quads);
  turns.exact = turns.exact && (!random || quads % 16 == 0);
  if (random) kernel.blocks = "unit * 4 + lane";
  const std::string turn_count = kernel.number(turns.count), end = kernel.number(quads);
  elements.flat("quad");
  std::vector<size_t> loops(pass.nest.sizes.size());
  for (size_t i = 0; i < loops.size(); ++i) loops[i] = i;
  if (lanes_of(pass.nest) == Elements::Lanes::inner) {
    elements.walk(true, "quad", loops, false);
  } else if (count > 1) {
    const std::string position = kernel.define(kernel.loop, "uvec4", "quad * 4 + lane"), all = kernel.number(count);
    elements.inside = kernel.define(kernel.loop, "bvec4", "lessThan(" + position + ", uvec4(" + all + "))");
    elements.walk(true, "min(" + position + ", uvec4(" + all + " - 1))", loops, true);
  }
  const Pass::Value value = pass.body(kernel, elements);
  std::vector<std::string> values;  // all is read before anything is written
  for (const Pass::Result& r : pass.kept) values.push_back(value(r.from));
  for (size_t i = 0; i < values.size(); ++i) elements.store(kernel.loop, pass.kept[i].view, values[i]);

  const std::string guarded = (turns.exact ? "{\n" : "if (quad < " + end + ") {\n") + kernel.loop + "}\n";
  const std::string each =
      !random ? "const uint quad = unit;\n" + guarded
              : kernel.turn + "for (uint word = 0; word < 4; ++word) {\nconst uint quad = unit / 4 * 16 + unit % 4 + word * 4;\n" +
                    guarded + "}\n";
  const std::string main = "void main() {\n" + kernel.head + "for (uint turn = 0; turn < " + turn_count +
                           "; ++turn) {\nconst uint unit = (group_number() * " + turn_count +
                           " + turn) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;\n" + each + "}\n}\n";
  l.add(kernel.finish("map", main, turns.size, l.spread(turns.groups)));
}

uint64_t exact_turns(uint64_t units, uint64_t most) {
  for (uint64_t n = std::min(units, most); n > 1; --n)
    if (units % n == 0) return n;
  return 1;
}

Turns turns_of(const Limits& limits, uint64_t quads) {
  const auto up = [](uint64_t n, uint64_t by) { return (n + by - 1) / by; };
  if (!limits.lanes) {
    const uint32_t size = std::min<uint32_t>(256, limits.invocations);
    return {size, 1, up(quads, size), false};
  }
  const uint32_t size = lanes_size(limits);
  const uint64_t units = up(quads, size), most = std::clamp<uint64_t>(units / (uint64_t(limits.processors) * 4), 1, 128);
  Turns t{size, exact_turns(units, most), 0, quads % size == 0};
  if (t.count * 4 < most) t.count = most, t.exact = false;
  t.groups = up(units, t.count);
  t.exact = t.exact && t.groups <= limits.groups;  // the grid has no workgroups beyond
  return t;
}

namespace {

/// The segment's views as tensors. Elements that share words are written four at a time, so results that do not lie in the order of the
/// iteration are moved there afterwards.
struct Moved {
  Place from;
  uint32_t result;
};
Pass pass_over(Lowering& l, const Segment& segment, std::vector<Moved>& moved) {
  const Op& op = *segment.op;
  const Region& region = op.region;
  Pass pass{op, segment.nest, {}, {}, {}, {}, {}};
  Nest& nest = pass.nest;
  pass.tensors.resize(segment.places.size());
  const auto shows = [&](int view, const Value& v) {
    expect_elements(op, v);
    pass.tensors[size_t(view)] = tensor_of(l, segment.places[size_t(view)], v);
  };
  for (uint32_t i = 0; i < region.operands; ++i)
    if (segment.operand_view[i] >= 0) shows(segment.operand_view[i], op.in(segment.number * region.operands + i));
  Shape dense = dense_strides(nest.sizes);
  if (nest.count == 1) dense = {0};
  for (uint32_t j = 0; j < region.results.size(); ++j) {
    const auto view = uint32_t(segment.result_view[j]);
    const auto number = uint32_t(segment.number * region.results.size() + j);
    const Value& v = op.out(number);
    shows(int(view), v);
    Pass::Result r{region.results[j].from, view, region.results[j].reduce};
    if (r.reduce != LAMINA_KEEP && !folded_loops(nest, view).empty()) {
      if (is_bytes(v.dtype)) op.fail("result ", j, " reduces ", name_of(v.dtype), "; cast it to int32 first");
      pass.folded.push_back(r);
      continue;
    }
    pass.kept.push_back(r);
    if (!shares_words(pass.tensors[view]) || nest.strides[view] == dense) continue;
    moved.push_back({l.scratch(l.stored_bytes(v)), number});
    pass.tensors[view].range = l.range(moved.back().from, v), nest.strides[view] = dense;
  }
  nest.strides.push_back(dense);  // of random numbers
  pass.tensors.emplace_back();
  pass.body = [&l, &segment, position = uint32_t(nest.strides.size() - 1)](Kernel& kernel, Elements& elements) -> Pass::Value {
    return [values = Values(l, kernel, elements, segment, position)](uint32_t from) mutable { return values.of_instruction(from); };
  };
  return pass;
}

/// Folds first, each set of loops in a pass of its own, as a kept result may take an operand's place; the last one keeps what is kept.
void add_passes(Lowering& l, const Pass& all) {
  std::map<std::vector<size_t>, std::vector<Pass::Result>> folds;
  for (const Pass::Result& r : all.folded) folds[folded_loops(all.nest, r.view)].push_back(r);
  Pass rest = all;
  const auto shared = [&](const Pass::Result& r) { return shares_words(all.tensors[r.view]); };
  const bool apart = lanes_of(all.nest) == Elements::Lanes::free && std::any_of(all.kept.begin(), all.kept.end(), shared);
  for (auto fold = folds.begin(); fold != folds.end(); ++fold) {
    Pass pass = all;
    pass.folded = fold->second;
    if (std::next(fold) != folds.end() || apart)
      pass.kept.clear();
    else
      rest.kept.clear();
    if (std::next(fold) == folds.end() && rest.kept.empty()) pass.epilogue = epilogue_of(l, pass);
    add_fold(l, pass);
  }
  if (!rest.kept.empty()) add_elementwise(l, rest);
}

}  // namespace

void lower_map(Lowering& l, const Op& op) {
  if (op.region.spaces.empty()) op.fail("its region has no segment");
  if (l.merged.count(op.number)) return;
  std::vector<Segment> segments;
  for (uint32_t s = 0; s < op.region.spaces.size(); ++s) segments.push_back(plan_segment(l, op, s));
  if (segments.size() > 1) segments = add_segments(l, segments);
  for (const Segment& segment : segments) {
    if (segment.nest.count > INT32_MAX) op.fail("it is computed over ", segment.nest.count, " elements; 2³¹ − 1 are the most");
    std::vector<Moved> moved;
    add_passes(l, pass_over(l, segment, moved));
    for (const Moved& m : moved) {
      const Value& v = op.out(m.result);
      l.add_reorder(m.from, segment.order, l.place(v), l.token(v), v.count(), l.stored(v));
    }
  }
}

}  // namespace lamina::vulkan
