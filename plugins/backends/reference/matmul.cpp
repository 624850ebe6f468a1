/// matmul: c[…, i, j] = Σ_k a[…, i, k] · b[…, k, j], either operand read transposed. Sums in double.
#include "kernel.hpp"

namespace reference {
namespace {

template <class T>
Kernel matmul(const Op& op) {
  expect_counts(op, 2, 1);
  const Value &a = op.in(0), &b = op.in(1), &c = op.out(0);
  expect_rank(op, "first operand", a, 2, LAMINA_MAX_RANK);
  expect_rank(op, "second operand", b, a.rank(), a.rank());
  expect_dtype(op, "second operand", b, a.dtype);
  expect_dtype(op, "result", c, a.dtype);
  const bool ta = op.boolean("transpose_a", false), tb = op.boolean("transpose_b", false);
  const size_t r = a.rank();
  const int64_t m = a.size(ta ? r - 1 : r - 2), k = a.size(ta ? r - 2 : r - 1), n = b.size(tb ? r - 2 : r - 1);
  Shape wanted = a.shape, wanted_b = a.shape;
  wanted[r - 2] = m, wanted[r - 1] = n;
  wanted_b[r - 2] = tb ? n : k, wanted_b[r - 1] = tb ? k : n;
  expect_shape(op, "second operand", b, wanted_b);
  expect_shape(op, "result", c, wanted);
  const int64_t batch = c.count() / (m * n);
  return [=, &op](const Memory& memory) {
    std::vector<double> row(k, 0.0), sums(n, 0.0);
    const T* pa = memory.at<const T>(op.in(0));
    const T* pb = memory.at<const T>(op.in(1));
    T* pc = memory.at<T>(op.out(0));
    for (int64_t s = 0; s < batch; ++s, pa += m * k, pb += k * n, pc += m * n)
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t l = 0; l < k; ++l) row[l] = ta ? pa[l * m + i] : pa[i * k + l];
        if (tb) {
          for (int64_t j = 0; j < n; ++j) {
            double sum = 0;
            for (int64_t l = 0; l < k; ++l) sum += row[l] * pb[j * k + l];
            sums[j] = sum;
          }
        } else {
          std::fill(sums.begin(), sums.end(), 0.0);
          for (int64_t l = 0; l < k; ++l)
            for (int64_t j = 0; j < n; ++j) sums[j] += row[l] * pb[l * n + j];
        }
        for (int64_t j = 0; j < n; ++j) pc[i * n + j] = T(sums[j]);
      }
  };
}

}  // namespace

std::vector<Entry> matmul_ops() { return {{"matmul", real<matmul<float>, matmul<double>>}}; }

}  // namespace reference
