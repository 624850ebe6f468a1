// conv and its gradients: oneDNN, and plain loops for what it has only reference code for.
#include <algorithm>
#include <cstring>

#include "matmul.hpp"
#include "one_type.hpp"
#include "threads.hpp"

namespace lamina::cpu {

namespace {

/// Plain loops, contiguous over the channels of a group. Slow but complete.
class LoopConvStep : public Step {
 public:
  LoopConvStep(ConvPass pass, ConvShape s, Place x, Place w, Place y)
      : pass_(pass), s_(std::move(s)), x_place_(x), w_place_(w), y_place_(y) {
    for (Shape* list : {&s_.in, &s_.out, &s_.kernel, &s_.stride, &s_.dilation}) list->insert(list->begin(), 3 - list->size(), 1);
    s_.low.insert(s_.low.begin(), 3 - s_.low.size(), 0);
    channels_ = s_.channels / s_.groups, filters_ = s_.filters / s_.groups;
    in_ = s_.in[0] * s_.in[1] * s_.in[2], out_ = s_.out[0] * s_.out[1] * s_.out[2], taps_ = s_.kernel[0] * s_.kernel[1] * s_.kernel[2];
  }
  void bind(const Memory& m) override { x_ = m.at<float>(x_place_), w_ = m.at<float>(w_place_), y_ = m.at<float>(y_place_); }
  void run(const Moment& now) override {
    // Threads own samples, or filters where the weights' gradient is summed over samples.
    const int64_t units = pass_ == ConvPass::backward_weights ? s_.filters : s_.batch;
    in_parts(units, now.threads, [&](int, int64_t begin, int64_t end) {
      if (pass_ == ConvPass::backward_data)
        std::memset(x_ + begin * in_ * s_.channels, 0, size_t((end - begin) * in_ * s_.channels) * sizeof(float));
      if (pass_ == ConvPass::backward_weights)
        std::memset(w_ + begin * taps_ * channels_, 0, size_t((end - begin) * taps_ * channels_) * sizeof(float));
      for (int64_t n = 0; n < s_.batch; ++n) {
        if (pass_ != ConvPass::backward_weights && (n < begin || n >= end)) continue;
        const int64_t f0 = pass_ == ConvPass::backward_weights ? begin : 0, f1 = pass_ == ConvPass::backward_weights ? end : s_.filters;
        for (int64_t p = 0; p < out_; ++p)
          for (int64_t f = f0; f < f1; ++f) output(n, p, f);
      }
    });
  }

 private:
  void output(int64_t n, int64_t p, int64_t f) {
    const int64_t at[3] = {p / (s_.out[1] * s_.out[2]), p / s_.out[2] % s_.out[1], p % s_.out[2]};
    float* y = y_ + (n * out_ + p) * s_.filters + f;
    const int64_t first = f / filters_ * channels_;
    double sum = 0;
    for (int64_t k = 0; k < taps_; ++k) {
      const int64_t tap[3] = {k / (s_.kernel[1] * s_.kernel[2]), k / s_.kernel[2] % s_.kernel[1], k % s_.kernel[2]};
      int64_t q = 0;
      bool inside = true;
      for (int a = 0; a < 3; ++a) {
        const int64_t i = at[a] * s_.stride[size_t(a)] - s_.low[size_t(a)] + tap[a] * s_.dilation[size_t(a)];
        inside = inside && i >= 0 && i < s_.in[size_t(a)];
        q = q * s_.in[size_t(a)] + i;
      }
      if (!inside) continue;
      float* x = x_ + (n * in_ + q) * s_.channels + first;
      float* w = w_ + (f * taps_ + k) * channels_;
      if (pass_ == ConvPass::forward) {
        for (int64_t c = 0; c < channels_; ++c) sum += double(x[c]) * double(w[c]);
      } else if (pass_ == ConvPass::backward_data) {
        for (int64_t c = 0; c < channels_; ++c) x[c] += *y * w[c];
      } else {
        for (int64_t c = 0; c < channels_; ++c) w[c] += *y * x[c];
      }
    }
    if (pass_ == ConvPass::forward) *y = float(sum);
  }

  ConvPass pass_;
  ConvShape s_;
  Place x_place_, w_place_, y_place_;
  int64_t channels_, filters_, in_, out_, taps_;
  float *x_ = nullptr, *w_ = nullptr, *y_ = nullptr;
};

Shape spatial(const Shape& shape) { return Shape(shape.begin() + 2, shape.end()); }

/// The kernel covers all of the input: a dense layer (measured 5 times faster as a product).
bool covers_input(const ConvShape& s) {
  bool yes = s.groups == 1 && s.in == s.kernel;
  for (size_t a = 0; a < s.in.size(); ++a) yes = yes && s.low[a] == 0 && s.high[a] == 0 && (s.dilation[a] == 1 || s.kernel[a] == 1);
  return yes;
}

}  // namespace

void lower_conv(Lowering& l, const Op& op) {
  const ConvPass pass = op.name == "conv"                 ? ConvPass::forward
                        : op.name == "conv_backward_data" ? ConvPass::backward_data
                                                          : ConvPass::backward_weights;
  const bool forward = pass == ConvPass::forward, data = pass == ConvPass::backward_data;
  const Value& x = data ? op.out(0) : op.in(0);
  const Value& w = forward || data ? op.in(1) : op.out(0);
  const Value& y = forward ? op.out(0) : data ? op.in(0) : op.in(1);
  if (x.rank() < 3 || x.rank() > 5) op.fail("convolutions have one to three spatial axes, not ", int64_t(x.rank()) - 2);
  const ConvShape s{
      x.size(0),        x.size(1),         y.size(1),           op.integer("groups", 1), spatial(x.shape),       spatial(y.shape),
      spatial(w.shape), op.list("stride"), op.list("dilation"), op.list("padding_low"),  op.list("padding_high")};
  const auto in = [&](size_t i) { return l.read(op, i, default_token(op.in(i).shape)); };
  const Operand first = in(0), second = in(1), result = l.written(op, 0, default_token(op.out(0).shape));
  const Operand px = data ? result : first, pw = forward || data ? second : result, py = forward ? result : data ? first : second;
  if (covers_input(s)) {  // one product: both sides count (spatial…, channel) in the same order
    const int64_t k = x.count() / x.size(0), n = s.batch, f = s.filters;
    if (forward) return add_matmul(l, {1, n, f, k, k, 1, 1, k}, px, pw, py);
    if (data) return add_matmul(l, {1, n, k, f, f, 1, k, 1}, py, pw, px);
    return add_matmul(l, {1, f, k, n, 1, f, k, 1}, py, px, pw);
  }
  const auto add = [&](DType product, const Operand& a, const Operand& b, const Operand& c) {
    const Operand &ax = data ? c : a, &aw = forward || data ? b : c, &ay = forward ? c : data ? a : b;
    if (add_onednn_conv(l, pass, s, product, ax, aw, ay)) return true;
    if (product != DType::float32) return false;
    l.add([&] { return std::make_unique<LoopConvStep>(pass, s, ax.place, aw.place, ay.place); });
    return true;
  };
  add_product(l, add, first, second, result);
}

}  // namespace lamina::cpu
