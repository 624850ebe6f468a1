// softmax, log_softmax, softmax_cross_entropy and its gradient, over rows that are contiguous or strided.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels.hpp"
#include "lowering.hpp"
#include "threads.hpp"

namespace lamina::cpu {

namespace {

/// The rows of `x` along one axis: row r starts at start(r) and has `length` elements `stride` apart.
struct Rows {
  int64_t count = 1, length = 1, stride = 1;
  Shape sizes, strides, others;
  bool dense = false;  ///< row r starts at r · length, stride 1
  /// `other`: strides of a second tensor with one element per row (0 along `axis`).
  Rows(const Shape& shape, const Shape& s, size_t axis, const Shape& other) : length(shape[axis]), stride(length == 1 ? 1 : s[axis]) {
    std::vector<size_t> order;
    for (size_t a = 0; a < shape.size(); ++a)
      if (a != axis && shape[a] != 1) order.push_back(a);
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return s[a] > s[b]; });
    for (size_t a : order) sizes.push_back(shape[a]), strides.push_back(s[a]), others.push_back(other[a]), count *= shape[a];
    int64_t expected = length;
    dense = stride == 1;
    for (size_t i = sizes.size(); i-- > 0;) dense = dense && strides[i] == expected, expected *= sizes[i];
  }
  int64_t start(int64_t r) const { return at(r, strides); }
  int64_t other(int64_t r) const { return at(r, others); }

 private:
  int64_t at(int64_t r, const Shape& s) const {
    int64_t offset = 0;
    for (size_t i = sizes.size(); i-- > 0;) offset += r % sizes[i] * s[i], r /= sizes[i];
    return offset;
  }
};

template <class Part>
void share(const Rows& rows, int threads, Part part) {
  in_parts(rows.count, rows.count * rows.length < 8192 ? 1 : threads, part);
}

class SoftmaxStep : public Step {
 public:
  SoftmaxStep(Place x, Place y, Place line, Rows rows, bool log) : x_(x), y_(y), line_(line), rows_(std::move(rows)), log_(log) {}
  void bind(const Memory& m) override { from_ = m.at<float>(x_), to_ = m.at<float>(y_), lines_ = m.at<float>(line_); }
  void run(const Moment& now) override {
    share(rows_, now.threads, [&](int thread, int64_t begin, int64_t end) {
      const KernelTable& table = kernels();
      const int64_t n = rows_.length;
      if (rows_.dense) return table.softmax(from_ + begin * n, to_ + begin * n, end - begin, n, log_);
      float* line = lines_ + int64_t(thread) * n;
      for (int64_t r = begin; r < end; ++r) {
        const int64_t at = rows_.start(r);
        for (int64_t i = 0; i < n; ++i) line[i] = from_[at + i * rows_.stride];
        table.softmax(line, line, 1, n, log_);
        for (int64_t i = 0; i < n; ++i) to_[at + i * rows_.stride] = line[i];
      }
    });
  }

 private:
  Place x_, y_, line_;
  Rows rows_;
  bool log_;
  const float* from_ = nullptr;
  float *to_ = nullptr, *lines_ = nullptr;
};

/// Both directions: log_softmax of a row in a line of scratch, then the loss or the gradient.
class CrossEntropyStep : public Step {
 public:
  CrossEntropyStep(bool backward, Place logits, Place labels, Place dloss, Place out, Place line, Rows rows)
      : backward_(backward), logits_(logits), labels_(labels), dloss_(dloss), out_(out), line_(line), rows_(std::move(rows)) {}
  void bind(const Memory& m) override {
    x_ = m.at<float>(logits_), label_ = m.at<int32_t>(labels_), upstream_ = m.at<float>(dloss_), to_ = m.at<float>(out_),
    lines_ = m.at<float>(line_);
  }
  void run(const Moment& now) override {
    share(rows_, now.threads, [&](int thread, int64_t begin, int64_t end) {
      const KernelTable& table = kernels();
      const int64_t n = rows_.length;
      float* line = lines_ + int64_t(thread) * n;
      for (int64_t r = begin; r < end; ++r) {
        const int64_t at = rows_.start(r), other = rows_.other(r);
        const float* row = x_ + at;
        if (rows_.stride != 1) {
          for (int64_t i = 0; i < n; ++i) line[i] = row[i * rows_.stride];
          row = line;
        }
        const int64_t label = label_[other];
        const bool inside = label >= 0 && label < n;
        table.softmax(row, line, 1, n, !backward_);
        if (!backward_) {
          to_[other] = inside ? -line[label] : std::numeric_limits<float>::quiet_NaN();
          continue;
        }
        const float d = inside ? upstream_[other] : std::numeric_limits<float>::quiet_NaN();
        if (inside) line[label] -= 1.0f;
        float* to = to_ + at;
        if (rows_.stride == 1)
          for (int64_t i = 0; i < n; ++i) to[i] = line[i] * d;
        else
          for (int64_t i = 0; i < n; ++i) to[i * rows_.stride] = line[i] * d;
      }
    });
  }

 private:
  bool backward_;
  Place logits_, labels_, dloss_, out_, line_;
  Rows rows_;
  const float *x_ = nullptr, *upstream_ = nullptr;
  const int32_t* label_ = nullptr;
  float *to_ = nullptr, *lines_ = nullptr;
};

}  // namespace

void lower_softmax(Lowering& l, const Op& op) {
  const Shape& shape = op.in(0).shape;
  const uint64_t token = default_token(shape);
  const Shape strides = axis_strides(token, shape).value();
  const Place x = l.operand(op, 0, token);
  if (op.name == "softmax" || op.name == "log_softmax") {
    const size_t axis = size_t(op.integer("axis"));
    const Place y = l.result(op, 0, token), line = l.scratch(uint64_t(shape[axis]) * 4 * uint64_t(l.settings.threads));
    l.add([&] { return std::make_unique<SoftmaxStep>(x, y, line, Rows(shape, strides, axis, strides), op.name == "log_softmax"); });
    return;
  }
  const bool backward = op.name == "softmax_cross_entropy_backward";
  Shape other;  // of labels, loss and its gradient, [batch, d…]
  const uint64_t label_token = default_token(op.in(1).shape);
  other = axis_strides(label_token, op.in(1).shape).value();
  other.insert(other.begin() + 1, 0);
  const Place labels = l.operand(op, 1, label_token);
  const Place dloss = backward ? l.operand(op, 2, label_token) : Place{};
  const Place out = l.result(op, 0, backward ? token : label_token);
  const Place line = l.scratch(uint64_t(shape[1]) * 4 * uint64_t(l.settings.threads));
  l.add([&] { return std::make_unique<CrossEntropyStep>(backward, x, labels, dloss, out, line, Rows(shape, strides, 1, other)); });
}

}  // namespace lamina::cpu
