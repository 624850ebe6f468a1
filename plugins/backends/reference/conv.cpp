/// Convolution as the field uses the word (cross-correlation), and its two gradients:
///   y[b, f, o] = Σ_c,k x[b, g·C + c, o·stride − low + k·dilation] · w[f, c, k],  g the group of filter f, C the channels per group.
/// One weight at a time over whole rows, bounds worked out before the row. Sums in double.
#include "window.hpp"

namespace reference {
namespace {

struct Conv {
  Window window;
  int64_t batch, channels, filters, groups;
  int64_t in_volume = volume(window.in), out_volume = volume(window.out), kernel_volume = volume(window.size);
  int64_t group_channels = channels / groups, group_filters = filters / groups;

  /// Calls row(input offset, output offset, count) for every row of outputs that weight number k reaches.
  template <class Row>
  void rows(int64_t k, Row&& row) const {
    const int64_t kw = k % window.size[2], kh = k / window.size[2] % window.size[1], kd = k / (window.size[2] * window.size[1]);
    const Range d = window.outputs(0, kd), h = window.outputs(1, kh), w = window.outputs(2, kw);
    if (w.begin >= w.end) return;
    for (int64_t od = d.begin; od < d.end; ++od)
      for (int64_t oh = h.begin; oh < h.end; ++oh)
        row((window.input(0, od, kd) * window.in[1] + window.input(1, oh, kh)) * window.in[2] + window.input(2, w.begin, kw),
            (od * window.out[1] + oh) * window.out[2] + w.begin, w.end - w.begin);
  }
};

/// x, w, y: the values with these roles, wherever they stand in the op.
Conv read(const Op& op, const Value& x, const Value& w, const Value& y) {
  expect_rank(op, "weights", w, 3, 5);
  for (const Value* v : {&x, &w, &y}) expect_dtype(op, "operand or result", *v, op.in(0).dtype);
  const Shape kernel(w.shape.begin() + 2, w.shape.end());
  const Window window(op, x.shape, y.shape, kernel, expect_list(op, "dilation", kernel.size(), 1));
  const int64_t groups = op.integer("groups", 1);
  if (groups < 1 || x.size(1) % groups || w.size(0) % groups || w.size(1) != x.size(1) / groups || y.size(1) != w.size(0) ||
      x.size(0) != y.size(0))
    op.fail("x ", x.shape, ", w ", w.shape, " and y ", y.shape, " do not fit together in ", groups, " groups");
  return {window, x.size(0), x.size(1), w.size(0), groups};
}

template <class T>
Kernel forward(const Op& op) {
  expect_counts(op, 2, 1);
  const Conv c = read(op, op.in(0), op.in(1), op.out(0));
  return [=, &op](const Memory& memory) {
    const T *x = memory.at<const T>(op.in(0)), *w = memory.at<const T>(op.in(1));
    T* y = memory.at<T>(op.out(0));
    const int64_t stride = c.window.stride[2];
    std::vector<double> sums(c.out_volume, 0.0);
    for (int64_t b = 0; b < c.batch; ++b)
      for (int64_t f = 0; f < c.filters; ++f) {
        std::fill(sums.begin(), sums.end(), 0.0);
        for (int64_t g = 0; g < c.group_channels; ++g) {
          const T* plane = x + (b * c.channels + f / c.group_filters * c.group_channels + g) * c.in_volume;
          for (int64_t k = 0; k < c.kernel_volume; ++k) {
            const double weight = w[(f * c.group_channels + g) * c.kernel_volume + k];
            c.rows(k, [&](int64_t in, int64_t out, int64_t n) {
              const T* from = plane + in;
              double* to = sums.data() + out;
              if (stride == 1)
                for (int64_t i = 0; i < n; ++i) to[i] += weight * from[i];
              else
                for (int64_t i = 0; i < n; ++i) to[i] += weight * from[i * stride];
            });
          }
        }
        T* to = y + (b * c.filters + f) * c.out_volume;
        for (int64_t i = 0; i < c.out_volume; ++i) to[i] = T(sums[i]);
      }
  };
}

template <class T>
Kernel backward_data(const Op& op) {
  expect_counts(op, 2, 1);
  const Conv c = read(op, op.out(0), op.in(1), op.in(0));
  return [=, &op](const Memory& memory) {
    const T *dy = memory.at<const T>(op.in(0)), *w = memory.at<const T>(op.in(1));
    T* dx = memory.at<T>(op.out(0));
    const int64_t stride = c.window.stride[2];
    std::vector<double> sums(c.in_volume, 0.0);
    for (int64_t b = 0; b < c.batch; ++b)
      for (int64_t channel = 0; channel < c.channels; ++channel) {
        std::fill(sums.begin(), sums.end(), 0.0);
        const int64_t group = channel / c.group_channels, g = channel % c.group_channels;
        for (int64_t f = group * c.group_filters; f < (group + 1) * c.group_filters; ++f) {
          const T* plane = dy + (b * c.filters + f) * c.out_volume;
          for (int64_t k = 0; k < c.kernel_volume; ++k) {
            const double weight = w[(f * c.group_channels + g) * c.kernel_volume + k];
            c.rows(k, [&](int64_t in, int64_t out, int64_t n) {
              const T* from = plane + out;
              double* to = sums.data() + in;
              if (stride == 1)
                for (int64_t i = 0; i < n; ++i) to[i] += weight * from[i];
              else
                for (int64_t i = 0; i < n; ++i) to[i * stride] += weight * from[i];
            });
          }
        }
        T* to = dx + (b * c.channels + channel) * c.in_volume;
        for (int64_t i = 0; i < c.in_volume; ++i) to[i] = T(sums[i]);
      }
  };
}

template <class T>
Kernel backward_weights(const Op& op) {
  expect_counts(op, 2, 1);
  const Conv c = read(op, op.in(0), op.out(0), op.in(1));
  return [=, &op](const Memory& memory) {
    const T *x = memory.at<const T>(op.in(0)), *dy = memory.at<const T>(op.in(1));
    T* dw = memory.at<T>(op.out(0));
    const int64_t stride = c.window.stride[2];
    for (int64_t f = 0; f < c.filters; ++f)
      for (int64_t g = 0; g < c.group_channels; ++g)
        for (int64_t k = 0; k < c.kernel_volume; ++k) {
          double sum = 0;
          for (int64_t b = 0; b < c.batch; ++b) {
            const T* from = x + (b * c.channels + f / c.group_filters * c.group_channels + g) * c.in_volume;
            const T* upstream = dy + (b * c.filters + f) * c.out_volume;
            c.rows(k, [&](int64_t in, int64_t out, int64_t n) {
              for (int64_t i = 0; i < n; ++i) sum += double(from[in + i * stride]) * upstream[out + i];
            });
          }
          dw[(f * c.group_channels + g) * c.kernel_volume + k] = T(sum);
        }
  };
}

}  // namespace

std::vector<Entry> conv_ops() {
  return {{"conv", real<forward<float>, forward<double>>},
          {"conv_backward_data", real<backward_data<float>, backward_data<double>>},
          {"conv_backward_weights", real<backward_weights<float>, backward_weights<double>>}};
}

}  // namespace reference
