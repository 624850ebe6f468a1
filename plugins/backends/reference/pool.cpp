/// Pools over one to three spatial axes and their gradients. Padding never wins a maximum; ties go to the first element in row-major window
/// order, the first NaN wins over all. The mean's divisor is the number of window elements inside x, or all of them with count_padding.
#include "window.hpp"

namespace reference {
namespace {

Window read(const Op& op, const Value& x, const Value& y) {
  expect_rank(op, "operand", x, 3, 5);
  const Shape size = expect_list(op, "size", x.rank() - 2, 1);
  if (y.rank() != x.rank() || y.size(0) != x.size(0) || y.size(1) != x.size(1))
    op.fail("x ", x.shape, " and y ", y.shape, " do not fit together");
  return Window(op, x.shape, y.shape, size, Shape(size.size(), 1));
}

/// Calls visit(output number, ranges of the three axes) for every output of one plane.
template <class Visit>
void windows(const Window& w, Visit&& visit) {
  int64_t number = 0;
  for (int64_t d = 0; d < w.out[0]; ++d)
    for (int64_t h = 0; h < w.out[1]; ++h)
      for (int64_t x = 0; x < w.out[2]; ++x) visit(number++, w.inputs(0, d), w.inputs(1, h), w.inputs(2, x));
}

template <class T>
Kernel max_pool(const Op& op) {
  expect_counts(op, 1, 2);
  const Window w = read(op, op.in(0), op.out(0));
  expect_dtype(op, "result", op.out(0), op.in(0).dtype);
  if (op.has_out(1)) {
    expect_shape(op, "indices", op.out(1), op.out(0).shape);
    expect_dtype(op, "indices", op.out(1), DType::int32);
  }
  const int64_t planes = op.in(0).size(0) * op.in(0).size(1), in = volume(w.in), out = volume(w.out);
  return [=, &op](const Memory& memory) {
    for (int64_t p = 0; p < planes; ++p) {
      const T* x = memory.at<const T>(op.in(0)) + p * in;
      T* y = memory.at<T>(op.out(0)) + p * out;
      int32_t* indices = op.has_out(1) ? memory.at<int32_t>(op.out(1)) + p * out : nullptr;
      windows(w, [&](int64_t number, Range d, Range h, Range r) {
        int64_t best = -1;
        for (int64_t i = d.begin; i < d.end; ++i)
          for (int64_t j = h.begin; j < h.end; ++j)
            for (int64_t k = r.begin; k < r.end; ++k) {
              const int64_t at = (i * w.in[1] + j) * w.in[2] + k;
              if (best < 0 || x[at] > x[best] || (x[at] != x[at] && x[best] == x[best])) best = at;
            }
        // The shape rule refuses windows that lie outside; should one come, it has no winner.
        y[number] = best < 0 ? std::numeric_limits<T>::quiet_NaN() : x[best];
        if (indices) indices[number] = int32_t(best);
      });
    }
  };
}

/// Sum over the windows that an element won.
template <class T>
Kernel max_unpool(const Op& op) {
  expect_counts(op, 2, 1);
  const Value &v = op.in(0), &indices = op.in(1), &x = op.out(0);
  expect_shape(op, "indices", indices, v.shape);
  expect_dtype(op, "indices", indices, DType::int32);
  expect_dtype(op, "result", x, v.dtype);
  expect_rank(op, "operand", v, 3, LAMINA_MAX_RANK);
  if (x.rank() != v.rank() || x.size(0) != v.size(0) || x.size(1) != v.size(1)) op.fail("v ", v.shape, " does not unpool to ", x.shape);
  const int64_t planes = v.size(0) * v.size(1), in = v.count() / planes, out = x.count() / planes;
  return [=, &op](const Memory& memory) {
    const T* values = memory.at<const T>(op.in(0));
    const int32_t* at = memory.at<const int32_t>(op.in(1));
    T* to = memory.at<T>(op.out(0));
    std::vector<double> sums(out, 0.0);
    for (int64_t p = 0; p < planes; ++p) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for (int64_t i = p * in; i < (p + 1) * in; ++i)
        if (at[i] >= 0 && at[i] < out) sums[at[i]] += values[i];
      for (int64_t i = 0; i < out; ++i) to[p * out + i] = T(sums[i]);
    }
  };
}

template <class T>
Kernel max_take(const Op& op) {
  expect_counts(op, 2, 1);
  const Value &x = op.in(0), &indices = op.in(1);
  expect_shape(op, "result", op.out(0), indices.shape);
  expect_dtype(op, "indices", indices, DType::int32);
  expect_dtype(op, "result", op.out(0), x.dtype);
  expect_rank(op, "operand", x, 3, LAMINA_MAX_RANK);
  if (x.rank() != indices.rank() || x.size(0) != indices.size(0) || x.size(1) != indices.size(1))
    op.fail("indices ", indices.shape, " do not fit ", x.shape);
  const int64_t planes = x.size(0) * x.size(1), in = x.count() / planes, out = indices.count() / planes;
  return [=, &op](const Memory& memory) {
    const T* from = memory.at<const T>(op.in(0));
    const int32_t* at = memory.at<const int32_t>(op.in(1));
    T* to = memory.at<T>(op.out(0));
    for (int64_t p = 0; p < planes; ++p)
      for (int64_t i = p * out; i < (p + 1) * out; ++i) to[i] = at[i] >= 0 && at[i] < in ? from[p * in + at[i]] : T(0);
  };
}

double divisor(const Window& w, bool count_padding, Range d, Range h, Range r) {
  return double(count_padding ? volume(w.size) : (d.end - d.begin) * (h.end - h.begin) * (r.end - r.begin));
}

template <class T>
Kernel average_pool(const Op& op) {
  expect_counts(op, 1, 1);
  const Window w = read(op, op.in(0), op.out(0));
  expect_dtype(op, "result", op.out(0), op.in(0).dtype);
  const bool count_padding = op.boolean("count_padding", false);
  const int64_t planes = op.in(0).size(0) * op.in(0).size(1), in = volume(w.in), out = volume(w.out);
  return [=, &op](const Memory& memory) {
    for (int64_t p = 0; p < planes; ++p) {
      const T* x = memory.at<const T>(op.in(0)) + p * in;
      T* y = memory.at<T>(op.out(0)) + p * out;
      windows(w, [&](int64_t number, Range d, Range h, Range r) {
        double sum = 0;
        for (int64_t i = d.begin; i < d.end; ++i)
          for (int64_t j = h.begin; j < h.end; ++j)
            for (int64_t k = r.begin; k < r.end; ++k) sum += x[(i * w.in[1] + j) * w.in[2] + k];
        y[number] = T(sum / divisor(w, count_padding, d, h, r));
      });
    }
  };
}

template <class T>
Kernel average_pool_backward(const Op& op) {
  expect_counts(op, 1, 1);
  const Window w = read(op, op.out(0), op.in(0));
  expect_dtype(op, "result", op.out(0), op.in(0).dtype);
  const bool count_padding = op.boolean("count_padding", false);
  const int64_t planes = op.in(0).size(0) * op.in(0).size(1), in = volume(w.in), out = volume(w.out);
  return [=, &op](const Memory& memory) {
    std::vector<double> sums(in, 0.0);
    for (int64_t p = 0; p < planes; ++p) {
      const T* dy = memory.at<const T>(op.in(0)) + p * out;
      T* dx = memory.at<T>(op.out(0)) + p * in;
      std::fill(sums.begin(), sums.end(), 0.0);
      windows(w, [&](int64_t number, Range d, Range h, Range r) {
        const double share = dy[number] / divisor(w, count_padding, d, h, r);
        for (int64_t i = d.begin; i < d.end; ++i)
          for (int64_t j = h.begin; j < h.end; ++j)
            for (int64_t k = r.begin; k < r.end; ++k) sums[(i * w.in[1] + j) * w.in[2] + k] += share;
      });
      for (int64_t i = 0; i < in; ++i) dx[i] = T(sums[i]);
    }
  };
}

}  // namespace

std::vector<Entry> pool_ops() {
  return {{"max_pool", real<max_pool<float>, max_pool<double>>},
          {"max_unpool", real<max_unpool<float>, max_unpool<double>>},
          {"max_take", real<max_take<float>, max_take<double>>},
          {"average_pool", real<average_pool<float>, average_pool<double>>},
          {"average_pool_backward", real<average_pool_backward<float>, average_pool_backward<double>>}};
}

}  // namespace reference
