/// Normalisation over any axes (batch, layer, instance norm) and its gradient. Source: Ioffe & Szegedy 2015, arXiv 1502.03167.
///   y = x̂ · weight + bias,  x̂ = (x − mean) · r,  r = 1 / √(variance + epsilon),  variance biased, by a second pass
///   g = dy · weight,  dx = r · (g − mean(g) − x̂ · mean(g · x̂)),  dweight = Σ dy · x̂,  dbias = Σ dy
#include <cmath>

#include "kernel.hpp"
#include "walk.hpp"

namespace reference {
namespace {

struct Plan {
  Shape kept;    ///< shape of mean and variance
  double count;  ///< elements that share a mean
  double epsilon;
  Walk walk;  ///< over x: x itself, the statistics, the weight
};

Plan read(const Op& op) {
  const Value &x = op.in(0), &weight = op.in(1);
  Plan p{x.shape, 1, op.real("epsilon"), {}};
  for (int64_t axis : op.list("axes")) {
    const size_t a = expect_axis(op, axis, x.rank());
    p.count *= double(p.kept[a]), p.kept[a] = 1;
  }
  if (weight.rank() != x.rank()) op.fail("its weight ", weight.shape, " has not the rank of x ", x.shape);
  for (uint32_t i = 0; i < op.in_count(); ++i) expect_dtype(op, "operand", op.in(i), x.dtype);
  for (uint32_t i = 0; i < op.out_count(); ++i)
    if (op.has_out(i)) expect_dtype(op, "result", op.out(i), x.dtype);
  p.walk = Walk(x.shape, {lamina::dense_strides(x.shape), broadcast_strides(p.kept, x.shape), broadcast_strides(weight.shape, x.shape)});
  return p;
}

template <class T>
void store(const Memory& memory, const Op& op, size_t result, const std::vector<double>& values) {
  if (!op.has_out(result)) return;
  T* to = memory.at<T>(op.out(result));
  for (size_t i = 0; i < values.size(); ++i) to[i] = T(values[i]);
}

template <class T>
Kernel forward(const Op& op) {
  expect_counts(op, 3, 3);
  const Plan plan = read(op);
  expect_shape(op, "bias", op.in(2), op.in(1).shape);
  if (op.has_out(0)) expect_shape(op, "result", op.out(0), op.in(0).shape);
  for (size_t i : {1, 2})
    if (op.has_out(i)) expect_shape(op, "statistics", op.out(i), plan.kept);
  return [&op, plan](const Memory& memory) {
    const T *x = memory.at<const T>(op.in(0)), *weight = memory.at<const T>(op.in(1)), *bias = memory.at<const T>(op.in(2));
    const size_t groups = size_t(lamina::element_count(plan.kept));
    std::vector<double> mean(groups), variance(groups), r(groups);
    const int64_t n = plan.walk.length(), sx = plan.walk.step(0), ss = plan.walk.step(1), sw = plan.walk.step(2);
    plan.walk.rows([&](const int64_t* at) {
      for (int64_t i = 0; i < n; ++i) mean[at[1] + i * ss] += double(x[at[0] + i * sx]);
    });
    for (double& m : mean) m /= plan.count;
    plan.walk.rows([&](const int64_t* at) {
      for (int64_t i = 0; i < n; ++i) {
        const double d = double(x[at[0] + i * sx]) - mean[at[1] + i * ss];
        variance[at[1] + i * ss] += d * d;
      }
    });
    for (size_t g = 0; g < groups; ++g) variance[g] /= plan.count, r[g] = 1 / std::sqrt(variance[g] + plan.epsilon);
    if (op.has_out(0)) {
      T* y = memory.at<T>(op.out(0));
      plan.walk.rows([&](const int64_t* at) {
        for (int64_t i = 0; i < n; ++i) {
          const int64_t e = at[0] + i * sx, s = at[1] + i * ss, w = at[2] + i * sw;
          y[e] = T((double(x[e]) - mean[s]) * r[s] * double(weight[w]) + double(bias[w]));
        }
      });
    }
    store<T>(memory, op, 1, mean);
    store<T>(memory, op, 2, variance);
  };
}

template <class T>
Kernel backward(const Op& op) {
  expect_counts(op, 5, 3);
  const Plan plan = read(op);
  expect_shape(op, "mean", op.in(2), plan.kept);
  expect_shape(op, "variance", op.in(3), plan.kept);
  expect_shape(op, "upstream gradient", op.in(4), op.in(0).shape);
  if (op.has_out(0)) expect_shape(op, "result", op.out(0), op.in(0).shape);
  for (size_t i : {1, 2})
    if (op.has_out(i)) expect_shape(op, "gradient of the weight or the bias", op.out(i), op.in(1).shape);
  return [&op, plan](const Memory& memory) {
    const T *x = memory.at<const T>(op.in(0)), *weight = memory.at<const T>(op.in(1)), *mean = memory.at<const T>(op.in(2)),
            *variance = memory.at<const T>(op.in(3)), *dy = memory.at<const T>(op.in(4));
    const size_t groups = size_t(lamina::element_count(plan.kept)), weights = size_t(op.in(1).count());
    std::vector<double> r(groups), g_sum(groups), gx_sum(groups), dweight(weights), dbias(weights);
    for (size_t g = 0; g < groups; ++g) r[g] = 1 / std::sqrt(double(variance[g]) + plan.epsilon);
    const int64_t n = plan.walk.length(), sx = plan.walk.step(0), ss = plan.walk.step(1), sw = plan.walk.step(2);
    plan.walk.rows([&](const int64_t* at) {
      for (int64_t i = 0; i < n; ++i) {
        const int64_t e = at[0] + i * sx, s = at[1] + i * ss, w = at[2] + i * sw;
        const double normal = (double(x[e]) - double(mean[s])) * r[s], d = double(dy[e]), g = d * double(weight[w]);
        g_sum[s] += g, gx_sum[s] += g * normal, dbias[w] += d, dweight[w] += d * normal;
      }
    });
    if (op.has_out(0)) {
      T* dx = memory.at<T>(op.out(0));
      plan.walk.rows([&](const int64_t* at) {
        for (int64_t i = 0; i < n; ++i) {
          const int64_t e = at[0] + i * sx, s = at[1] + i * ss;
          const double normal = (double(x[e]) - double(mean[s])) * r[s], g = double(dy[e]) * double(weight[at[2] + i * sw]);
          dx[e] = T(r[s] * (g - g_sum[s] / plan.count - normal * (gx_sum[s] / plan.count)));
        }
      });
    }
    store<T>(memory, op, 1, dweight);
    store<T>(memory, op, 2, dbias);
  };
}

}  // namespace

std::vector<Entry> normalize_ops() {
  return {{"normalize", real<forward<float>, forward<double>>}, {"normalize_backward", real<backward<float>, backward<double>>}};
}

}  // namespace reference
