// Ops that move elements: reshape and transpose (views wherever the planner grants them), slice, pad, concat, reverse, reorder, copy.
#include <algorithm>
#include <map>

#include "items.hpp"

namespace lamina::vulkan {

namespace {

/// One loop over a result, and which elements of the source it shows: position low + k · step shows element k of `extent`.
struct Axis {
  int64_t size, from, extent, low = 0, step = 1;  ///< from: stride in the source, in elements
  bool is_whole() const { return low == 0 && step == 1 && extent == size; }
};
/// Where the elements of a dense result come from; the axes outermost first, in the order of the result's memory.
struct Sources {
  std::vector<Axis> axes;
  int64_t first = 0;  ///< element of the source
};
/// What positions outside the source show, as in shaders/find.comp.
enum class Outside : uint32_t { fill, keep, mirror, edge };

/// Neighbours that are one axis in source and result become one.
void merge(Sources& s, bool mirrored) {
  std::vector<Axis> merged;
  for (const Axis& a : s.axes) {
    if (a.size == 1 && a.is_whole()) continue;
    Axis* outer = merged.empty() ? nullptr : &merged.back();
    if (outer && a.is_whole() && outer->step == 1 && outer->from == a.from * a.size && (outer->is_whole() || !mirrored)) {
      outer->size *= a.size, outer->extent *= a.size, outer->low *= a.size, outer->from = a.from;
    } else {
      merged.push_back(a);
    }
  }
  if (merged.empty()) merged.push_back({1, 0, 1});
  s.axes = std::move(merged);
}

/// Counts in vectors of `width` elements, if they move as a whole.
bool widen(Sources& s, int64_t width) {
  Axis& inner = s.axes.back();
  bool fits = inner.from == 1 && inner.step == 1 && s.first % width == 0;
  for (int64_t n : {inner.size, inner.low, inner.extent}) fits = fits && n % width == 0;
  for (size_t i = 0; i + 1 < s.axes.size(); ++i) fits = fits && s.axes[i].from % width == 0;
  if (!fits) return false;
  inner.size /= width, inner.low /= width, inner.extent /= width, s.first /= width;
  for (size_t i = 0; i + 1 < s.axes.size(); ++i) s.axes[i].from /= width;
  return true;
}

/// A kernel that moves elements along `loops`: behind `words` in the push constants, or in a table where they are too many.
void add_loops(Lowering& l, const Op& op, Shader shader, Range from, Range to, uint64_t count, Words words, const Words& loops) {
  std::vector<Range> bindings = {from, to};
  if (1 + words.size() + loops.size() <= 32)
    words.insert(words.end(), loops.begin(), loops.end());
  else
    shader.definitions += define("TABLE", 1), bindings.push_back(l.table(loops));
  add_items(l, op, std::move(shader), std::move(bindings), count, words);
}

/// Only the elements inside are written.
void add_move(Lowering& l, const Op& op, Range from, Range to, Sources s) {
  uint32_t width = 4;
  while (width > 1 && !widen(s, width)) width /= 2;
  Words loops;
  int64_t to_first = 0, stride = 1;
  uint64_t count = 1;
  for (size_t i = s.axes.size(); i-- > 0;) {
    const Axis& a = s.axes[i];
    append_divisor(loops, uint64_t(a.extent));
    loops.push_back(uint32_t(a.from)), loops.push_back(uint32_t(stride * a.step));
    to_first += a.low * stride, stride *= a.size, count *= uint64_t(a.extent);
  }
  add_loops(l, op, {"move.comp", define("WIDTH", width) + define("LOOPS", s.axes.size())}, from, to, count,
            {uint32_t(s.first), uint32_t(to_first)}, loops);
}

void add_find(Lowering& l, const Op& op, Range from, Range to, const Sources& s, uint32_t parts, Outside outside, uint32_t fill) {
  const bool steps = std::any_of(s.axes.begin(), s.axes.end(), [](const Axis& a) { return a.step > 1; });
  Words axes;
  uint64_t elements = 1;
  for (size_t i = s.axes.size(); i-- > 0;) {
    const Axis& a = s.axes[i];
    append_divisor(axes, uint64_t(a.size));
    axes.insert(axes.end(), {uint32_t(a.from), uint32_t(a.low), uint32_t(a.extent)});
    if (steps) append_divisor(axes, uint64_t(a.step));
    elements *= uint64_t(a.size);
  }
  const std::string definitions = define("AXES", s.axes.size()) + define("PARTS", parts) + (steps ? define("STEPS", 1) : "");
  add_loops(l, op, {"find.comp", definitions}, from, to, to.bytes / 4, {uint32_t(elements), uint32_t(s.first), uint32_t(outside), fill},
            axes);
}

/// The result's elements of one source, of which `parts` share a word.
void add_sources(Lowering& l, const Op& op, Range from, Range to, Sources s, uint32_t parts, Outside outside, uint32_t fill = 0) {
  const bool mirrored = outside == Outside::mirror || outside == Outside::edge;
  merge(s, mirrored);
  if ((!mirrored || s.axes.back().is_whole()) && widen(s, parts)) parts = 1;
  if (parts > 1 || mirrored) return add_find(l, op, from, to, s, parts, outside, fill);
  if (outside == Outside::fill && !std::all_of(s.axes.begin(), s.axes.end(), [](const Axis& a) { return a.is_whole(); }))
    l.add_fill(to, fill);
  add_move(l, op, from, to, std::move(s));
}

/// Between layouts whose digits do not divide each other.
void add_relayout(Lowering& l, const Op& op, Range from, uint64_t from_token, Range to, uint64_t to_token, int64_t count, uint32_t parts) {
  const Digits to_digits = digits_of(to_token, count), from_digits = digits_of(from_token, count);
  Words table;
  for (size_t i = to_digits.size(); i-- > 0;) {
    append_divisor(table, uint64_t(to_digits[i].size));
    table.push_back(uint32_t(to_digits[i].weight));
  }
  std::map<int64_t, std::pair<int64_t, int64_t>> by_weight;  // size and stride
  int64_t stride = 1;
  for (size_t i = from_digits.size(); i-- > 0;) {
    by_weight[from_digits[i].weight] = {from_digits[i].size, stride};
    stride *= from_digits[i].size;
  }
  for (const auto& [weight, digit] : by_weight) {
    append_divisor(table, uint64_t(digit.first));
    table.push_back(uint32_t(digit.second));
  }
  add_items(l, op, {"relayout.comp", define("PARTS", parts)}, {from, to, l.table(table)}, to.bytes / 4,
            {uint32_t(count), uint32_t(to_digits.size()), uint32_t(from_digits.size())});
}

/// slice, pad, reverse, and operand i of concat, which begins at `before`.
Sources sources_of(const Op& op, size_t i, const Shape& strides, int64_t before) {
  const Shape &x = op.in(i).shape, &y = op.out(0).shape;
  Sources s;
  std::vector<Axis> axes;
  for (size_t a = 0; a < y.size(); ++a) axes.push_back({y[a], strides[a], x[a]});
  if (op.name == "slice") {
    const Shape begin = op.list("begin"), stride = op.list("stride");
    for (size_t a = 0; a < y.size(); ++a) s.first += begin[a] * strides[a], axes[a].from *= stride[a], axes[a].extent = y[a];
  } else if (op.name == "reverse") {
    for (int64_t a : op.list("axes")) s.first += (x[size_t(a)] - 1) * strides[size_t(a)], axes[size_t(a)].from *= -1;
  } else if (op.name == "concat") {
    axes[size_t(op.integer("axis"))].low = before;
  } else {
    const Shape low = op.list("low"), interior = op.list("interior");
    for (size_t a = 0; a < y.size(); ++a) axes[a].low = low[a], axes[a].step = x[a] > 1 ? interior[a] + 1 : 1;
  }
  for (int a : default_order(y.size())) s.axes.push_back(axes[size_t(a)]);
  return s;
}

}  // namespace

void Lowering::add_reorder(Place from, uint64_t from_token, Place to, uint64_t to_token, int64_t count, DType dtype) {
  const Op& op = program_.ops.at(op_);
  const uint64_t bytes = uint64_t(count) * size_of(dtype);
  if (!compiling()) return;
  const std::optional<Move> move = move_between(from_token, to_token, count);
  if (!move) return add_relayout(*this, op, range(from, bytes), from_token, range(to, bytes), to_token, count, per_word(dtype));
  Sources s;
  for (size_t i = 0; i < move->sizes.size(); ++i) s.axes.push_back({move->sizes[i], move->from[i], move->sizes[i]});
  add_sources(*this, op, range(from, bytes), range(to, bytes), std::move(s), per_word(dtype), Outside::keep);
}

void lower_shape(Lowering& l, const Op& op) {
  const Value& y = op.out(0);
  const bool concat = op.name == "concat", pad = op.name == "pad";
  if (!concat && !pad && op.name != "slice" && op.name != "reverse") {
    expect_elements(op, y);
    return lower_moved(l, op);
  }
  expect_words(l, op);
  const std::string mode = op.text("mode", "constant");
  const auto outside = concat || !pad      ? Outside::keep
                       : mode == "reflect" ? Outside::mirror
                       : mode == "edge"    ? Outside::edge
                                           : Outside::fill;
  const uint32_t fill = outside == Outside::fill ? word_of(op.real("value", 0), y.dtype) * (is_bytes(y.dtype) ? 0x01010101u : 1) : 0;
  const Range to = l.range(l.result(op, 0, default_token(y.shape)), y);
  int64_t before = 0;
  for (size_t i = 0; i < op.in_count(); ++i) {
    Shape strides;
    const Place from = l.operand(op, i, strides);
    add_sources(l, op, l.range(from, op.in(i)), to, sources_of(op, i, strides, before), per_word(y.dtype), outside, fill);
    if (concat) before += op.in(i).shape[size_t(op.integer("axis"))];
  }
}

}  // namespace lamina::vulkan
