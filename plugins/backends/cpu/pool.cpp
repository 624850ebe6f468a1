// Pools over channels-last data, one to three spatial axes.
#include <algorithm>
#include <cstring>

#include "kernels.hpp"
#include "one_type.hpp"
#include "threads.hpp"

namespace lamina::cpu {

namespace {

/// Runs part(begin, end) over [0, n) on all threads, or on this one where `work` elements are few.
template <class Part>
void share(int64_t n, int64_t work, int threads, Part part) {
  in_parts(n, work < 16384 || n < 2 ? 1 : threads, [&](int, int64_t begin, int64_t end) { part(begin, end); });
}

PoolShape pool_shape(const Op& op, const Shape& x, const Shape& y) {
  PoolShape s{};
  const size_t spatial = x.size() - 2;
  if (x.size() < 3 || spatial > 3) op.fail("pools have one to three spatial axes, not ", int64_t(x.size()) - 2);
  s.batch = x[0], s.channels = x[1];
  for (int i = 0; i < 3; ++i) s.in[i] = s.out[i] = s.size[i] = s.stride[i] = 1, s.low[i] = 0;
  const Shape size = op.list("size"), stride = op.list("stride"), low = op.list("padding_low");
  for (size_t a = 0; a < spatial; ++a) {
    const size_t i = 3 - spatial + a;
    s.in[i] = x[2 + a], s.out[i] = y[2 + a], s.size[i] = size[a], s.stride[i] = stride[a], s.low[i] = low[a];
  }
  s.count_padding = op.boolean("count_padding", false);
  return s;
}

int64_t volume(const Shape& x) {
  int64_t v = 1;
  for (size_t a = 2; a < x.size(); ++a) v *= x[a];
  return v;
}

class PoolStep : public Step {
 public:
  enum class Kind { max, unpool, average, average_backward };
  PoolStep(Kind kind, PoolShape s, DType stored, Place from, Place to, Place indices)
      : kind_(kind), s_(s), stored_(stored), from_(from), to_(to), indices_(indices) {}
  void bind(const Memory& m) override { source_ = m.at(from_), target_ = m.at(to_), index_ = m.at<int32_t>(indices_); }
  void run(const Moment& now) override {
    const int64_t work = s_.batch * s_.channels * std::max(s_.in[0] * s_.in[1] * s_.in[2], s_.out[0] * s_.out[1] * s_.out[2]);
    share(s_.batch, work, now.threads, [&](int64_t begin, int64_t end) {
      const TensorKernels& table = kernels().of(stored_);
      if (kind_ == Kind::max)
        table.max_pool(s_, source_, target_, index_, begin, end);
      else if (kind_ == Kind::unpool)
        table.max_unpool_windows(s_, source_, index_, target_, begin, end);
      else if (kind_ == Kind::average)
        table.average_pool(s_, source_, target_, begin, end);
      else
        table.average_pool_backward(s_, source_, target_, begin, end);
    });
  }

 private:
  Kind kind_;
  PoolShape s_;
  DType stored_;
  Place from_, to_, indices_;
  const void* source_ = nullptr;
  void* target_ = nullptr;
  int32_t* index_ = nullptr;
};

/// max_unpool and max_take: through the winners' positions. Positions outside are skipped, as an index is data.
class WinnerStep : public Step {
 public:
  WinnerStep(bool scatter, int64_t batch, int64_t channels, int64_t in, int64_t out, Place full, Place indices, Place pooled)
      : scatter_(scatter),
        batch_(batch),
        channels_(channels),
        in_(in),
        out_(out),
        full_place_(full),
        index_place_(indices),
        pooled_place_(pooled) {}
  void bind(const Memory& m) override {
    full_ = m.at<float>(full_place_), index_ = m.at<int32_t>(index_place_), pooled_ = m.at<float>(pooled_place_);
  }
  void run(const Moment& now) override {
    share(batch_, batch_ * channels_ * in_, now.threads, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) {
        float* full = full_ + n * in_ * channels_;
        float* pooled = pooled_ + n * out_ * channels_;
        const int32_t* index = index_ + n * out_ * channels_;
        if (scatter_) std::memset(full, 0, size_t(in_ * channels_) * sizeof(float));
        for (int64_t i = 0; i < out_; ++i, pooled += channels_, index += channels_)
          for (int64_t c = 0; c < channels_; ++c) {
            const int64_t k = index[c];
            const bool inside = k >= 0 && k < in_;
            if (!scatter_)
              pooled[c] = inside ? full[k * channels_ + c] : 0.0f;
            else if (inside)
              full[k * channels_ + c] += pooled[c];
          }
      }
    });
  }

 private:
  bool scatter_;
  int64_t batch_, channels_, in_, out_;
  Place full_place_, index_place_, pooled_place_;
  float *full_ = nullptr, *pooled_ = nullptr;
  const int32_t* index_ = nullptr;
};

bool overlaps(const PoolShape& s) { return s.size[0] > s.stride[0] || s.size[1] > s.stride[1] || s.size[2] > s.stride[2]; }

/// The pool whose winners a max_unpool scatters to, where its windows do not overlap: every element is written once, without adding.
std::optional<PoolShape> apart(const Planning& p, const Op& unpool) {
  const Op* pool = p.maker(unpool.in(1));
  const Shape& full = unpool.out(0).shape;
  if (!pool || pool->name != "max_pool" || pool->in(0).shape != full) return std::nullopt;
  const PoolShape s = pool_shape(*pool, full, unpool.in(1).shape);
  return overlaps(s) ? std::nullopt : std::optional(s);
}

}  // namespace

void lower_pool(Lowering& l, const Op& op) {
  const auto in = [&](size_t i) { return l.read(op, i, default_token(op.in(i).shape)); };
  const auto out = [&](size_t i) { return l.written(op, i, default_token(op.out(i).shape)); };
  if (op.name == "max_unpool" || op.name == "max_take") {
    const bool scatter = op.name == "max_unpool";
    const Operand first = in(0), result = out(0);
    const Place indices = in(1).place;
    const Shape &full = scatter ? op.out(0).shape : op.in(0).shape, &pooled = op.in(1).shape;
    if (full.size() < 3) op.fail("it needs at least one spatial axis");
    if (const auto s = scatter ? apart(l, op) : std::nullopt) {
      const auto add = [&](const Operand& dy, const Operand& dx) {
        l.add([&] { return std::make_unique<PoolStep>(PoolStep::Kind::unpool, *s, dy.type, dy.place, dx.place, indices); });
      };
      return in_type(l, common_type(first, result), add, first, result);
    }
    const auto add = [&](const Operand& from, const Operand& to) {
      const Operand &whole = scatter ? to : from, &taken = scatter ? from : to;
      l.add([&] {
        return std::make_unique<WinnerStep>(scatter, full[0], full[1], volume(full), volume(pooled), whole.place, indices, taken.place);
      });
    };
    return in_type(l, DType::float32, add, first, result);
  }
  const Operand from = in(0);
  const bool max = op.name == "max_pool", backward = op.name == "average_pool_backward";
  const Value& shown = op.out(op.has_out(0) ? 0 : 1);
  // Where nobody asks for one of max_pool's results, it goes to scratch.
  const Operand to = l.written_or_scratch(op, default_token(shown.shape), shown.count(), from.type);
  const Place indices = !max ? Place{} : op.has_out(1) ? out(1).place : l.scratch(uint64_t(shown.count()) * sizeof(int32_t));
  const PoolShape s = backward ? pool_shape(op, shown.shape, op.in(0).shape) : pool_shape(op, op.in(0).shape, shown.shape);
  const auto kind = max ? PoolStep::Kind::max : backward ? PoolStep::Kind::average_backward : PoolStep::Kind::average;
  const auto add = [&](const Operand& x, const Operand& y) {
    l.add([&] { return std::make_unique<PoolStep>(kind, s, x.type, x.place, y.place, indices); });
  };
  // Where windows overlap, gradients add up in the result, which 16 bits are too few for.
  in_type(l, backward && overlaps(s) ? DType::float32 : common_type(from, to), add, from, to);
}

}  // namespace lamina::cpu
