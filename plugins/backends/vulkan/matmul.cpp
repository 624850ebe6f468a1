// matmul: a matrix is a row of pixels, see gemm.hpp.
#include "gemm.hpp"

namespace lamina::vulkan {

void lower_matmul(Lowering& l, const Op& op) {
  for (const Value* v : {&op.in(0), &op.in(1), &op.out(0)}) expect_float32(op, *v);
  const MatmulPlan plan = plan_matmul(l, op);
  const MatmulShape& s = plan.shape;
  Gemm g;
  g.a_along_k = s.ak == 1 && (s.am != 1 || s.m == 1);
  g.b_along_k = s.bk == 1 && (s.bn != 1 || s.n == 1);
  const int64_t a_rows = g.a_along_k ? s.m : s.k, b_rows = g.b_along_k ? s.n : s.k;
  const Packed a = pack(l, op, {plan.a, l.stored(op.in(0))}, s.batch * a_rows, g.a_along_k ? s.k : s.m);
  const Packed b = pack(l, op, {plan.b, l.stored(op.in(1))}, s.batch * b_rows, g.b_along_k ? s.k : s.n);
  g.batches = s.batch;
  g.image = {1, 1, a_rows};
  g.parts = {{g.image, {0, 0, 0}, {{{0, 0, 0}, 0}}}};
  g.channels = g.a_along_k ? s.k : s.m;
  g.a_pixel = a.vectors, g.a_batch = a_rows * a.vectors;
  g.b_row = b.vectors, g.b_batch = b_rows * b.vectors;
  g.n = s.n, g.c_row = s.n, g.c_batch = s.m * s.n;
  g.result = g.image;
  add_gemm(l, op, g, a, b, {plan.c, l.stored(op.out(0))}, s.batch * s.m * s.n);
}

}  // namespace lamina::vulkan
