/// Softmax and what is made of it, from the formula: the largest logit is subtracted first, sums are in double.
///   softmax_i = exp(x_i − m) / Σ_j exp(x_j − m),  log_softmax_i = x_i − m − log Σ_j exp(x_j − m),  m = max_j x_j
///   loss = −log_softmax at the label,  its gradient (softmax − onehot) · dloss
#include <cmath>

#include "kernel.hpp"

namespace reference {
namespace {

/// Maximum and Σ exp(x − maximum) of one line; NaN anywhere makes the sum NaN.
struct Line {
  template <class T>
  Line(const T* x, int64_t n, int64_t step) : largest(double(x[0])) {
    for (int64_t i = 1; i < n; ++i) largest = std::max(largest, double(x[i * step]));
    for (int64_t i = 0; i < n; ++i) sum += std::exp(double(x[i * step]) - largest);
  }
  double largest, sum = 0;
};

template <class T, bool Log>
Kernel softmax(const Op& op) {
  expect_counts(op, 1, 1);
  const size_t axis = expect_axis(op, op.integer("axis"), op.in(0).rank());
  expect_shape(op, "result", op.out(0), op.in(0).shape);
  expect_dtype(op, "result", op.out(0), op.in(0).dtype);
  return [&op, axis](const Memory& memory) {
    const Along a(op.in(0).shape, axis);
    const T* x = memory.at<const T>(op.in(0));
    T* y = memory.at<T>(op.out(0));
    for (int64_t o = 0; o < a.outer; ++o)
      for (int64_t r = 0; r < a.inner; ++r) {
        const int64_t first = o * a.size * a.inner + r;
        const Line line(x + first, a.size, a.inner);
        const double log_sum = std::log(line.sum);
        for (int64_t i = 0; i < a.size; ++i) {
          const double v = double(x[first + i * a.inner]) - line.largest;
          y[first + i * a.inner] = T(Log ? v - log_sum : std::exp(v) / line.sum);
        }
      }
  };
}

/// Shape of the labels and the loss: the logits' without their class axis 1.
void check_cross_entropy(const Op& op) {
  const Value& logits = op.in(0);
  expect_rank(op, "logits", logits, 2, LAMINA_MAX_RANK);
  Shape wanted = logits.shape;
  wanted.erase(wanted.begin() + 1);
  expect_shape(op, "labels", op.in(1), wanted);
  expect_dtype(op, "labels", op.in(1), DType::int32);
  const Value& loss = op.in_count() == 3 ? op.in(2) : op.out(0);
  expect_shape(op, "loss", loss, wanted);
  expect_dtype(op, "loss", loss, logits.dtype);
}

template <class T>
Kernel cross_entropy(const Op& op) {
  expect_counts(op, 2, 1);
  check_cross_entropy(op);
  return [&op](const Memory& memory) {
    const Along a(op.in(0).shape, 1);
    const T* x = memory.at<const T>(op.in(0));
    const int32_t* labels = memory.at<const int32_t>(op.in(1));
    T* loss = memory.at<T>(op.out(0));
    for (int64_t o = 0; o < a.outer; ++o)
      for (int64_t r = 0; r < a.inner; ++r) {
        const T* logits = x + o * a.size * a.inner + r;
        const Line line(logits, a.size, a.inner);
        const int32_t label = labels[o * a.inner + r];
        const bool known = label >= 0 && label < a.size;
        loss[o * a.inner + r] =
            known ? T(std::log(line.sum) + (line.largest - double(logits[label * a.inner]))) : std::numeric_limits<T>::quiet_NaN();
      }
  };
}

template <class T>
Kernel cross_entropy_backward(const Op& op) {
  expect_counts(op, 3, 1);
  check_cross_entropy(op);
  expect_shape(op, "result", op.out(0), op.in(0).shape);
  expect_dtype(op, "result", op.out(0), op.in(0).dtype);
  return [&op](const Memory& memory) {
    const Along a(op.in(0).shape, 1);
    const T* x = memory.at<const T>(op.in(0));
    const int32_t* labels = memory.at<const int32_t>(op.in(1));
    const T* upstream = memory.at<const T>(op.in(2));
    T* dx = memory.at<T>(op.out(0));
    for (int64_t o = 0; o < a.outer; ++o)
      for (int64_t r = 0; r < a.inner; ++r) {
        const int64_t first = o * a.size * a.inner + r;
        const Line line(x + first, a.size, a.inner);
        const int32_t label = labels[o * a.inner + r];
        const bool known = label >= 0 && label < a.size;
        const double d = known ? double(upstream[o * a.inner + r]) : std::numeric_limits<double>::quiet_NaN();
        for (int64_t i = 0; i < a.size; ++i) {
          const double p = std::exp(double(x[first + i * a.inner]) - line.largest) / line.sum;
          dx[first + i * a.inner] = T((p - (i == label ? 1.0 : 0.0)) * d);
        }
      }
  };
}

}  // namespace

std::vector<Entry> softmax_ops() {
  return {{"softmax", real<softmax<float, false>, softmax<double, false>>},
          {"log_softmax", real<softmax<float, true>, softmax<double, true>>},
          {"softmax_cross_entropy", real<cross_entropy<float>, cross_entropy<double>>},
          {"softmax_cross_entropy_backward", real<cross_entropy_backward<float>, cross_entropy_backward<double>>}};
}

}  // namespace reference
