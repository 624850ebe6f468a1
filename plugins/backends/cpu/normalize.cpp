// normalize and its gradient per channel over channels-last data. Source: Ioffe & Szegedy 2015, arXiv 1502.03167; two passes for the
// variance.
#include <algorithm>
#include <cmath>

#include "kernels.hpp"
#include "lowering.hpp"
#include "threads.hpp"

namespace lamina::cpu {

namespace {

struct Extent {
  int64_t rows, channels;
  int threads;
};

class NormalizeStep : public Step {
 public:
  struct Places {
    Place x, weight, bias, y, mean, variance, sums, coefficients;
  };
  NormalizeStep(const Places& p, Extent e, double epsilon) : p_(p), e_(e), epsilon_(epsilon) {}
  void bind(const Memory& m) override {
    x_ = m.at<float>(p_.x), weight_ = m.at<float>(p_.weight), bias_ = m.at<float>(p_.bias), y_ = m.at<float>(p_.y);
    mean_ = m.at<float>(p_.mean), variance_ = m.at<float>(p_.variance), sums_ = m.at<double>(p_.sums),
    scale_ = m.at<float>(p_.coefficients);
  }
  void run(const Moment&) override {
    const KernelTable& table = kernels();
    const int64_t c = e_.channels;
    total(mean_, [&](int64_t first, int64_t last, double* sums) { table.column_sums(x_ + first * c, last - first, c, sums); });
    total(variance_,
          [&](int64_t first, int64_t last, double* sums) { table.column_squares(x_ + first * c, mean_, last - first, c, sums); });
    for (int64_t i = 0; i < c; ++i) scale_[i] = float(double(weight_[i]) / std::sqrt(double(variance_[i]) + epsilon_));
    in_parts(e_.rows, e_.threads, [&](int, int64_t first, int64_t last) {
      table.normalize_rows(x_ + first * c, mean_, scale_, bias_, y_ + first * c, last - first, c);
    });
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
  const float *x_ = nullptr, *weight_ = nullptr, *bias_ = nullptr;
  float *y_ = nullptr, *mean_ = nullptr, *variance_ = nullptr, *scale_ = nullptr;
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
    x_ = m.at<float>(p_.x), weight_ = m.at<float>(p_.weight), mean_ = m.at<float>(p_.mean), variance_ = m.at<float>(p_.variance);
    dy_ = m.at<float>(p_.dy), dx_ = m.at<float>(p_.dx), dweight_ = m.at<float>(p_.dweight), dbias_ = m.at<float>(p_.dbias);
    sums_ = m.at<double>(p_.sums), a_ = m.at<float>(p_.coefficients);
  }
  void run(const Moment&) override {
    const KernelTable& table = kernels();
    const int64_t c = e_.channels;
    in_parts(e_.rows, e_.threads, [&](int thread, int64_t first, int64_t last) {
      double* sums = sums_ + 2 * thread * c;
      std::fill_n(sums, 2 * c, 0.0);
      table.column_products(dy_ + first * c, x_ + first * c, mean_, last - first, c, sums, sums + c);
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
    in_parts(e_.rows, e_.threads, [&](int, int64_t first, int64_t last) {
      table.combine_rows(dy_ + first * c, x_ + first * c, mean_, a_, b, d, dx_ + first * c, last - first, c);
    });
  }

 private:
  Places p_;
  Extent e_;
  double epsilon_;
  const float *x_ = nullptr, *weight_ = nullptr, *mean_ = nullptr, *variance_ = nullptr, *dy_ = nullptr;
  float *dx_ = nullptr, *dweight_ = nullptr, *dbias_ = nullptr, *a_ = nullptr;
  double* sums_ = nullptr;
};

}  // namespace

void lower_normalize(Lowering& l, const Op& op) {
  const Shape& shape = op.in(0).shape;
  const uint64_t token = default_token(shape);  // vectors [1, C, 1…] are the same bytes in every layout
  const int64_t channels = shape[1], rows = op.in(0).count() / channels;
  const Extent e{rows, channels, rows * channels < 16384 ? 1 : l.threads};
  const double epsilon = op.real("epsilon");
  const bool backward = op.name == "normalize_backward";
  const auto in = [&](size_t i) { return l.operand(op, i, i == 0 || (backward && i == 4) ? token : 0); };
  const auto out = [&](size_t i, uint64_t t, uint64_t bytes) { return op.has_out(i) ? l.result(op, i, t) : l.scratch(bytes); };
  const uint64_t vector_bytes = uint64_t(channels) * 4;
  const Place sums = l.scratch(uint64_t(channels) * 16 * uint64_t(e.threads)), coefficients = l.scratch(3 * vector_bytes);
  const Place first = out(0, token, op.in(0).dense_bytes()), second = out(1, 0, vector_bytes), third = out(2, 0, vector_bytes);
  if (backward) {
    const NormalizeBackwardStep::Places p{in(0), in(1), in(2), in(3), in(4), first, second, third, sums, coefficients};
    l.overwrite(op, 0, 4);
    l.add([&] { return std::make_unique<NormalizeBackwardStep>(p, e, epsilon); });
  } else {
    const NormalizeStep::Places p{in(0), in(1), in(2), first, second, third, sums, coefficients};
    l.overwrite(op, 0, 0);
    l.add([&] { return std::make_unique<NormalizeStep>(p, e, epsilon); });
  }
}

}  // namespace lamina::cpu
