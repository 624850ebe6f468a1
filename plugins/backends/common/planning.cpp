#include "planning.hpp"

namespace lamina::backends {

Planning::Planning(const Program& program, Planner& planner, uint64_t alignment)
    : program_(program), planner_(&planner), alignment_(alignment), tokens_(program.values.size()) {
  for (const Value& v : program.values) {
    if (v.is(LAMINA_STATE)) {
      auto& known = state_tokens_[v.raw.index];
      if (v.raw.fixed) known = v.layout();
    } else if (v.is(LAMINA_INPUT)) {
      tokens_[v.number] = default_token(v.shape);
    }
  }
}

Planning::Planning(const Program& program, uint64_t alignment) : program_(program), alignment_(alignment) {}

// Tokens are addresses of layouts or 0, so the lowest bits are free: they say which of the two narrow types a value is stored in.
static constexpr uint64_t type_bits = 7, float16_bits = 1, bfloat16_bits = 2;

uint64_t Planning::border_token(const Value& v, uint64_t token) const {
  const auto found = stored_.find(v.number);
  if (found == stored_.end()) return token;
  return token | (found->second == DType::float16 ? float16_bits : bfloat16_bits);
}
DType Planning::stored(const Value& v) const {
  if (!compiling()) {
    const auto found = stored_.find(v.number);
    return found == stored_.end() ? v.dtype : found->second;
  }
  const uint64_t bits = v.layout() & type_bits;
  return bits == float16_bits ? DType::float16 : bits == bfloat16_bits ? DType::bfloat16 : v.dtype;
}
void Planning::store_as(const Value& v, DType type) {
  if (type != v.dtype) stored_[v.number] = type;
}

bool Planning::decided(const Value& v) const {
  if (compiling()) return true;
  return v.is(LAMINA_STATE) ? state_tokens_.at(v.raw.index).has_value() : tokens_[v.number].has_value();
}

void Planning::decide(const Value& v, uint64_t token) {
  if (compiling()) return;
  (v.is(LAMINA_STATE) ? state_tokens_[v.raw.index] : tokens_[v.number]) = token;
}

uint64_t Planning::token(const Value& v) {
  if (compiling()) return v.layout() & ~type_bits;
  if (!decided(v)) decide(v, default_token(v.shape));
  return v.is(LAMINA_STATE) ? *state_tokens_.at(v.raw.index) : *tokens_[v.number];
}

Place Planning::place(const Value& v) const {
  switch (v.kind) {
    case LAMINA_STATE:
      return {Place::Space::state, v.raw.index, 0};
    case LAMINA_SCALAR:
      return {};
    default:
      return {Place::Space::arena, 0, v.raw.offset};
  }
}

Place Planning::operand(const Op& op, size_t i, uint64_t wanted) {
  const Value& v = op.in(i);
  if (v.is(LAMINA_SCALAR)) op.fail("operand ", i, " is a scalar of the step table, which only maps can read");
  if (token(v) != wanted) {
    if (compiling()) op.fail("operand ", i, " did not arrive in the layout that was asked for");
    planner_->reorder(op, uint32_t(i), border_token(v, wanted), stored_bytes(v), alignment_);
  }
  return place(v);
}

Place Planning::operand(const Op& op, size_t i, Shape& strides) {
  const Value& v = op.in(i);
  uint64_t wanted = token(v);
  auto found = axis_strides(wanted, v.shape);
  if (!found) wanted = default_token(v.shape), found = axis_strides(wanted, v.shape);
  strides = *found;
  return operand(op, i, wanted);
}

Place Planning::result(const Op& op, size_t i, uint64_t wanted) {
  const Value& v = op.out(i);
  if (!decided(v)) decide(v, wanted);
  const uint64_t own = token(v);
  if (own == wanted) return place(v);
  const Place from = scratch(stored_bytes(v));
  redirects_.push_back({from, place(v), wanted, own, v.count(), stored(v)});
  return from;
}

const Op* Planning::maker(const Value& v) const {
  for (const Op& op : program_.ops)
    for (size_t i = 0; i < op.out_count(); ++i)
      if (op.has_out(i) && op.out(i).number == v.number) return op.name == "reorder" ? maker(op.in(0)) : &op;
  return nullptr;
}

Place Planning::scratch(uint64_t bytes) {
  const Place p{Place::Space::arena, 0, scratch_begin_ + scratch_bytes_};
  scratch_bytes_ += round_up(bytes, alignment_);
  return p;
}

void Planning::begin(const Op& op) {
  op_ = op.number, scratch_begin_ = round_up(op.raw.scratch, alignment_), scratch_bytes_ = 0;
  redirects_.clear();
}

void Planning::end(const Op& op) {
  for (const Redirect& r : redirects_) add_reorder(r.from, r.from_token, r.to, r.to_token, r.count, r.dtype);
  if (!scratch_bytes_) return;
  const uint64_t wanted = scratch_bytes_ + alignment_ - 64;  // what the planner gives is aligned to 64
  if (planner_) planner_->scratch(op, wanted);
  if (compiling() && wanted > op.raw.scratch_bytes) op.fail("it needs ", wanted, " bytes of scratch, but was given ", op.raw.scratch_bytes);
}

void Planning::finish() {
  for (const Value& v : program_.values)
    if (!v.is(LAMINA_SCALAR) && !(v.is(LAMINA_STATE) && v.raw.fixed))
      planner_->layout(v, border_token(v, token(v)), stored_bytes(v), alignment_);
}

static void lower_transpose(Planning& l, const Op& op) {
  const Value &x = op.in(0), &y = op.out(0);
  const Shape axes = op.list("axes");
  uint64_t token = l.token(x);
  if (!axis_digits(token, x.shape)) token = default_token(x.shape);
  const Place from = l.operand(op, 0, token);
  // The same bytes: each digit keeps its place and takes the weight its axis has in the result.
  Shape weights = dense_strides(y.shape), weight_of(x.rank(), 1);
  for (size_t i = 0; i < axes.size(); ++i) weight_of[size_t(axes[i])] = weights[i];
  Digits digits;
  const std::vector<AxisDigit> read = axis_digits(token, x.shape).value();
  for (const AxisDigit& d : read) digits.push_back({d.size, d.weight * weight_of[size_t(d.axis)]});
  const uint64_t moved = token_of(std::move(digits));
  if (y.is(LAMINA_TEMPORARY) && token == l.token(x)) {
    l.decide(y, moved);
    l.view(op);
  }
  if (!l.decided(y)) l.decide(y, moved);
  if (l.is_view(op)) return;
  l.add_reorder(from, moved, l.place(y), l.token(y), x.count(), l.stored(x));
}

void lower_moved(Planning& l, const Op& op) {
  if (op.name == "transpose") return lower_transpose(l, op);
  const Value &x = op.in(0), &y = op.out(0);
  const uint64_t token = l.token(x);
  if (op.name == "reshape" && y.is(LAMINA_TEMPORARY)) {
    l.decide(y, token);
    l.view(op);
  }
  if (!l.decided(y)) l.decide(y, token);
  if (l.is_view(op)) return;
  l.add_reorder(l.operand(op, 0, token), token, l.place(y), l.token(y), x.count(), l.stored(x));
}

}  // namespace lamina::backends
