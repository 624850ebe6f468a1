// normalize and its gradient per channel over channels-last data. Source: Ioffe & Szegedy 2015, arXiv 1502.03167; two passes for the
// variance.
#include <algorithm>
#include <cmath>

#include "kernels.hpp"
#include "one_type.hpp"
#include "threads.hpp"

namespace lamina::cpu {

namespace {

struct Extent {
  int64_t rows, channels;
  int threads;
  DType stored;  ///< x and y, dy and dx
};

class NormalizeStep : public Step {
 public:
  struct Places {
    Place x, weight, bias, y, mean, variance, sums, coefficients;
  };
  NormalizeStep(const Places& p, Extent e, double epsilon) : p_(p), e_(e), epsilon_(epsilon) {}
  void bind(const Memory& m) override {
    x_ = m.at(p_.x), weight_ = m.at<float>(p_.weight), bias_ = m.at<float>(p_.bias), y_ = m.at(p_.y);
    mean_ = m.at<float>(p_.mean), variance_ = m.at<float>(p_.variance), sums_ = m.at<double>(p_.sums),
    scale_ = m.at<float>(p_.coefficients);
  }
  void run(const Moment&) override {
    const TensorKernels& table = kernels().of(e_.stored);
    const int64_t c = e_.channels;
    total(mean_, [&](int64_t first, int64_t last, double* sums) { table.column_sums(x_, first, last, c, sums); });
    total(variance_, [&](int64_t first, int64_t last, double* sums) { table.column_squares(x_, mean_, first, last, c, sums); });
    for (int64_t i = 0; i < c; ++i) scale_[i] = float(double(weight_[i]) / std::sqrt(double(variance_[i]) + epsilon_));
    in_parts(e_.rows, e_.threads,
             [&](int, int64_t first, int64_t last) { table.normalize_rows(x_, mean_, scale_, bias_, y_, first, last, c); });
  }

 private:
  template <class Sum>
  void total(float* to, Sum sum) {
    const int64_t c = e_.channels;
    in_parts(e_.rows, e_.threads, [&](int thread, int64_t first, int64_t last) {
      double* sums = sums_ + thread * c;
      std::fill_n(sums, c, 0.0);
      sum(first, last, sums);
    });
    for (int64_t i = 0; i < c; ++i) {
      double all = 0;
      for (int t = 0; t < e_.threads; ++t) all += sums_[t * c + i];
      to[i] = float(all / double(e_.rows));
    }
  }
  Places p_;
  Extent e_;
  double epsilon_;
  const void* x_ = nullptr;
  void* y_ = nullptr;
  const float *weight_ = nullptr, *bias_ = nullptr;
  float *mean_ = nullptr, *variance_ = nullptr, *scale_ = nullptr;
  double* sums_ = nullptr;
};

/// dx = w/σ · (dy − mean(dy) − x̂ · mean(dy · x̂)), dweight = Σ dy · x̂, dbias = Σ dy, with x̂ = (x − mean)/σ.
class NormalizeBackwardStep : public Step {
 public:
  struct Places {
    Place x, weight, mean, variance, dy, dx, dweight, dbias, sums, coefficients;
  };
  NormalizeBackwardStep(const Places& p, Extent e, double epsilon) : p_(p), e_(e), epsilon_(epsilon) {}
  void bind(const Memory& m) override {
    x_ = m.at(p_.x), weight_ = m.at<float>(p_.weight), mean_ = m.at<float>(p_.mean), variance_ = m.at<float>(p_.variance);
    dy_ = m.at(p_.dy), dx_ = m.at(p_.dx), dweight_ = m.at<float>(p_.dweight), dbias_ = m.at<float>(p_.dbias);
    sums_ = m.at<double>(p_.sums), a_ = m.at<float>(p_.coefficients);
  }
  void run(const Moment&) override {
    const TensorKernels& table = kernels().of(e_.stored);
    const int64_t c = e_.channels;
    in_parts(e_.rows, e_.threads, [&](int thread, int64_t first, int64_t last) {
      double* sums = sums_ + 2 * thread * c;
      std::fill_n(sums, 2 * c, 0.0);
      table.column_products(dy_, x_, mean_, first, last, c, sums, sums + c);
    });
    float *b = a_ + c, *d = b + c;
    for (int64_t i = 0; i < c; ++i) {
      double sum = 0, product = 0;
      for (int t = 0; t < e_.threads; ++t) sum += sums_[2 * t * c + i], product += sums_[(2 * t + 1) * c + i];
      const double over_sigma = 1 / std::sqrt(double(variance_[i]) + epsilon_), n = double(e_.rows),
                   scale = double(weight_[i]) * over_sigma;
      dbias_[i] = float(sum), dweight_[i] = float(product * over_sigma);
      a_[i] = float(scale), b[i] = float(-scale * product * over_sigma * over_sigma / n), d[i] = float(-scale * sum / n);
    }
    in_parts(e_.rows, e_.threads,
             [&](int, int64_t first, int64_t last) { table.combine_rows(dy_, x_, mean_, a_, b, d, dx_, first, last, c); });
  }

 private:
  Places p_;
  Extent e_;
  double epsilon_;
  const void *x_ = nullptr, *dy_ = nullptr;
  void* dx_ = nullptr;
  const float *weight_ = nullptr, *mean_ = nullptr, *variance_ = nullptr;
  float *dweight_ = nullptr, *dbias_ = nullptr, *a_ = nullptr;
  double* sums_ = nullptr;
};

}  // namespace

void lower_normalize(Lowering& l, const Op& op) {
  const Shape& shape = op.in(0).shape;
  const uint64_t token = default_token(shape);  // vectors [1, C, 1…] are the same bytes in every layout
  const int64_t channels = shape[1], rows = op.in(0).count() / channels;
  const int threads = rows * channels < 16384 ? 1 : l.settings.threads;
  const double epsilon = op.real("epsilon");
  const bool backward = op.name == "normalize_backward";
  const auto vector = [&](size_t i) { return l.operand(op, i, 0); };
  const auto full = [&](size_t i) { return l.read(op, i, token); };
  const uint64_t vector_bytes = uint64_t(channels) * sizeof(float);
  const auto out = [&](size_t i) { return op.has_out(i) ? l.result(op, i, 0) : l.scratch(vector_bytes); };
  const Place sums = l.scratch(uint64_t(channels) * 16 * uint64_t(threads)), coefficients = l.scratch(3 * vector_bytes);
  const Operand x = full(0);
  const Operand result = l.written_or_scratch(op, token, x.count, x.type);
  const Place second = out(1), third = out(2);
  if (backward) {
    const Operand dy = full(4);
    if (dy.type == result.type) l.overwrite(op, 0, 4);
    const auto add = [&](const Operand& ax, const Operand& ady, const Operand& adx) {
      const NormalizeBackwardStep::Places p{ax.place,  vector(1), vector(2), vector(3), ady.place,
                                            adx.place, second,    third,     sums,      coefficients};
      l.add([&] { return std::make_unique<NormalizeBackwardStep>(p, Extent{rows, channels, threads, ax.type}, epsilon); });
    };
    return in_type(l, common_type(x, dy, result), add, x, dy, result);
  }
  if (x.type == result.type) l.overwrite(op, 0, 0);
  const auto add = [&](const Operand& ax, const Operand& ay) {
    const NormalizeStep::Places p{ax.place, vector(1), vector(2), ay.place, second, third, sums, coefficients};
    l.add([&] { return std::make_unique<NormalizeStep>(p, Extent{rows, channels, threads, ax.type}, epsilon); });
  };
  in_type(l, common_type(x, result), add, x, result);
}

}  // namespace lamina::cpu
