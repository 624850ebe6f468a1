// Which layouts the operands of a matmul are read in.
#include "planning.hpp"

namespace lamina::backends {

namespace {

/// A value as a batch of matrices over its last two axes: batch outermost in row-major order, then one axis, then the other.
struct Matrices {
  Digits rows, columns;     ///< of axis rank − 2 and rank − 1; weights within the axis
  bool rows_inner = false;  ///< the columns' digits stand outside
};
std::optional<Matrices> matrices(uint64_t token, const Shape& shape) {
  const auto digits = axis_digits(token, shape);
  if (!digits) return std::nullopt;
  const int rank = int(shape.size());
  Matrices m;
  Digits batch;
  Shape weights(shape.size(), 1);
  for (int a = rank - 2; a-- > 0;) weights[size_t(a)] = weights[size_t(a) + 1] * (a + 1 < rank - 2 ? shape[size_t(a) + 1] : 1);
  int state = 0;  // batch, first axis, second axis
  int first = -1;
  for (const AxisDigit& d : *digits) {
    if (d.axis < rank - 2) {
      if (state) return std::nullopt;
      batch.push_back({d.size, d.weight * weights[size_t(d.axis)]});
      continue;
    }
    if (state == 0) state = 1, first = d.axis;
    if (d.axis != first) state = 2;
    if (state == 2 && d.axis == first) return std::nullopt;
    (d.axis == rank - 2 ? m.rows : m.columns).push_back({d.size, d.weight});
  }
  if (token_of(batch) != 0) return std::nullopt;
  m.rows_inner = first == rank - 1 && state == 2;
  return m;
}
/// The layout with row-major batches and these digits, rows outside.
uint64_t matrix_token(const Shape& shape, const Digits& rows, const Digits& columns) {
  const size_t rank = shape.size();
  const Shape weights = dense_strides(shape);
  Digits digits;
  for (size_t a = 0; a + 2 < rank; ++a) digits.push_back({shape[a], weights[a]});
  for (const Digit& d : rows) digits.push_back({d.size, d.weight * shape[rank - 1]});
  for (const Digit& d : columns) digits.push_back(d);
  return token_of(std::move(digits));
}
Digits natural(int64_t size) { return size == 1 ? Digits{} : Digits{{size, 1}}; }

}  // namespace

MatmulPlan plan_matmul(Planning& l, const Op& op) {
  const Value &a = op.in(0), &b = op.in(1);
  const size_t rank = a.rank();
  const bool ta = op.boolean("transpose_a", false), tb = op.boolean("transpose_b", false);
  const int64_t m = a.shape[rank - (ta ? 1 : 2)], k = a.shape[rank - (ta ? 2 : 1)], n = b.shape[rank - (tb ? 2 : 1)];

  const auto common = [](Matrices& x, bool transposed, bool first) -> Digits& { return transposed == first ? x.rows : x.columns; };
  const auto readable = [&](const Value& v) {
    if (!l.decided(v)) return Matrices{natural(v.shape[rank - 2]), natural(v.shape[rank - 1])};
    if (const auto found = matrices(l.token(v), v.shape)) return *found;
    return Matrices{natural(v.shape[rank - 2]), natural(v.shape[rank - 1])};
  };
  Matrices ma = readable(a), mb = readable(b);
  Digits &ka = common(ma, ta, true), &kb = common(mb, tb, false);
  if (ka != kb) {  // one takes the other's order; a state whose layout stands does not move
    const bool a_follows = !l.decided(a) || (l.decided(b) && b.is(LAMINA_STATE) && !a.is(LAMINA_STATE));
    (a_follows ? ka : kb) = a_follows ? kb : ka;
    (a_follows ? ma : mb).rows_inner = false;
  }
  // What stands as it is keeps its token; else rows outside.
  const auto token_for = [&](const Value& v, const Matrices& x) {
    if (l.decided(v))
      if (const auto found = matrices(l.token(v), v.shape); found && found->rows == x.rows && found->columns == x.columns)
        return l.token(v);
    return matrix_token(v.shape, x.rows, x.columns);
  };
  const uint64_t token_a = token_for(a, ma), token_b = token_for(b, mb);
  if (!l.decided(a)) l.decide(a, token_a);
  if (!l.decided(b)) l.decide(b, token_b);
  const Place pa = l.operand(op, 0, token_a), pb = l.operand(op, 1, token_b);
  const Digits rows = ta ? ma.columns : ma.rows, columns = tb ? mb.rows : mb.columns;
  const Place pc = l.result(op, 0, matrix_token(op.out(0).shape, rows, columns));

  const bool a_inner = matrices(token_a, a.shape).value().rows_inner, b_inner = matrices(token_b, b.shape).value().rows_inner;
  MatmulShape s{1, m, n, k, 1, 1, 1, 1};
  for (size_t i = 0; i + 2 < rank; ++i) s.batch *= a.shape[i];
  if (ta != a_inner)
    s.ak = m;
  else
    s.am = k;
  if (tb != b_inner)
    s.bn = k;
  else
    s.bk = n;
  return {s, pa, pb, pc};
}

}  // namespace lamina::backends
