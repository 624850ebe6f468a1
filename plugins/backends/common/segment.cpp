// How a segment of a map is iterated.
#include "planning.hpp"

namespace lamina::backends {
namespace {

bool is_space(const Shape& shape, const Shape& space) {
  const size_t shift = space.size() - std::min(space.size(), shape.size());
  for (size_t a = 0; a < space.size(); ++a)
    if ((a < shift ? 1 : shape[a - shift]) != space[a]) return false;
  return shape.size() <= space.size();
}

/// The order in which a segment is iterated: that of a state it updates, of a kept result, of a state it reads, of a full-size operand.
/// Random numbers are counted channels-last, so they fix it.
uint64_t choose_order(Planning& l, const Op& op, uint32_t s) {
  const Region& region = op.region;
  const Shape& space = region.spaces[s];
  for (const auto& i : region.instructions)
    if (i.op == "random_bits") return default_token(space);
  const auto fits = [&](const Value& v) {
    return !v.is(LAMINA_SCALAR) && l.decided(v) && v.shape == space && axis_digits(l.token(v), space);
  };
  for (const bool state : {true, false})
    for (uint32_t j = 0; j < region.results.size(); ++j) {
      const Value& v = op.out(s * region.results.size() + j);
      if (region.results[j].reduce == LAMINA_KEEP && v.is(LAMINA_STATE) == state && fits(v)) return l.token(v);
    }
  for (const bool state : {true, false})
    for (uint32_t i = 0; i < region.operands; ++i) {
      const Value& v = op.in(s * region.operands + i);
      if (v.is(LAMINA_STATE) == state && fits(v)) return l.token(v);
    }
  return default_token(space);
}

}  // namespace

Segment plan_segment(Planning& l, const Op& op, uint32_t s) {
  const Region& region = op.region;
  const Shape& space = region.spaces[s];
  const uint64_t order = choose_order(l, op, s);
  Segment segment{&op, s, {}, {}, {}, {}, {}, {}, order};
  std::vector<View> views;
  std::vector<uint32_t> operand_of_view;
  for (uint32_t i = 0; i < region.operands; ++i) {
    const uint32_t number = s * region.operands + i;
    const Value& v = op.in(number);
    segment.operand_view.push_back(v.is(LAMINA_SCALAR) ? -1 : int(views.size()));
    if (v.is(LAMINA_SCALAR)) continue;
    if (!l.decided(v) && v.shape == space) l.decide(v, order);  // a state nobody has asked for yet: its slots, say
    views.push_back({v.shape, l.token(v)});
    segment.stored.push_back(l.stored(v));
    operand_of_view.push_back(number);
  }
  for (const auto& i : region.instructions) {
    segment.iota_view.push_back(i.op == "iota" ? int(views.size()) : -1);
    if (i.op != "iota") continue;
    const size_t axis = size_t(i.attributes.integer("axis"));
    if (axis >= space.size()) op.fail("iota counts along axis ", axis, " of ", space);
    Shape shape(space.size(), 1);
    shape[axis] = space[axis];
    views.push_back({shape, 0});
    segment.stored.push_back(DType::uint32);  // backends keep coordinates as words
  }
  const size_t first_result = views.size();
  for (uint32_t j = 0; j < region.results.size(); ++j) {
    const Value& v = op.out(s * region.results.size() + j);
    const bool kept = region.results[j].reduce == LAMINA_KEEP;
    if (kept && !is_space(v.shape, space))
      op.fail("result ", j, " of segment ", s, " has the shape ", v.shape, ", but is computed over ", space);
    if (!l.decided(v)) l.decide(v, kept ? order : reduced_token(space, order, v.shape));
    segment.result_view.push_back(int(views.size()));
    segment.stored.push_back(l.stored(v));
    views.push_back({v.shape, l.token(v)});
  }
  // Where digits do not divide, the operand arrives in another layout, and the result is written in another and reordered.
  Nest nest = make_nest(space, order, views);
  bool again = false;
  for (size_t v = 0; v < views.size(); ++v) {
    if (nest.fits[v]) continue;
    again = true;
    views[v].token = v < first_result ? (views[v].shape == space ? order : 0) : reduced_token(space, order, views[v].shape);
  }
  if (again) nest = make_nest(space, order, views);
  for (size_t v = 0; v < first_result; ++v)
    segment.places.push_back(v < operand_of_view.size() ? l.operand(op, operand_of_view[v], views[v].token) : Place{});
  for (uint32_t j = 0; j < region.results.size(); ++j)
    segment.places.push_back(l.result(op, s * region.results.size() + j, views[first_result + j].token));

  for (uint32_t j = 0; j < region.results.size(); ++j) {
    const uint32_t result = uint32_t(s * region.results.size() + j);
    if (region.results[j].reduce != LAMINA_KEEP || !(nest.count == 1 || nest.is_flat(first_result + j))) continue;
    for (size_t v = 0; v < operand_of_view.size(); ++v) {
      const Value &from = op.in(operand_of_view[v]), &to = op.out(result);
      if ((nest.count == 1 || nest.is_flat(v)) && size_of(l.stored(from)) == size_of(l.stored(to)) && from.count() == to.count())
        l.overwrite(op, result, operand_of_view[v]);
    }
  }
  segment.nest = std::move(nest);
  return segment;
}

}  // namespace lamina::backends
