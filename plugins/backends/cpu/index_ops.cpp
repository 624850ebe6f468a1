// argmax, gather, scatter_add, and the plugin's own kernels.
#include <algorithm>
#include <cstring>

#include "lowering.hpp"
#include "threads.hpp"

namespace lamina::cpu {

namespace {

/// One axis of a strided tensor, the others walked in row-major order: f(offset in x, offset in y) per line.
struct Lines {
  Shape sizes, x, y;
  int64_t count = 1;
  Lines(const Shape& shape, const Shape& x_strides, const Shape& y_strides, size_t axis) {
    for (size_t a = 0; a < shape.size(); ++a) {
      if (a == axis) continue;
      sizes.push_back(shape[a]), x.push_back(x_strides[a]), y.push_back(y_strides[a]);
      count *= shape[a];
    }
  }
  void at(int64_t line, int64_t& from, int64_t& to) const {
    from = to = 0;
    for (size_t i = sizes.size(); i-- > 0;) {
      const int64_t k = line % sizes[i];
      line /= sizes[i];
      from += k * x[i], to += k * y[i];
    }
  }
};

template <class T>
void argmax_line(const T* x, int64_t stride, int64_t n, int32_t* to) {
  int64_t best = 0;
  for (int64_t i = 0; i < n; ++i) {
    const T v = x[i * stride], b = x[best * stride];
    if (b != b) break;
    if (v > b || v != v) best = i;
  }
  *to = int32_t(best);
}

class ArgmaxStep : public Step {
 public:
  ArgmaxStep(Place from, Place to, DType dtype, Lines lines, int64_t length, int64_t stride)
      : from_(from), to_(to), dtype_(dtype), lines_(std::move(lines)), length_(length), stride_(stride) {}
  void bind(const Memory& m) override { x_ = m.at<char>(from_), y_ = m.at<int32_t>(to_); }
  void run(const Moment& now) override {
    const auto part = [&](int, int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t from, to;
        lines_.at(i, from, to);
        switch (dtype_) {
          case DType::int32:
            argmax_line(reinterpret_cast<const int32_t*>(x_) + from, stride_, length_, y_ + to);
            break;
          case DType::uint32:
            argmax_line(reinterpret_cast<const uint32_t*>(x_) + from, stride_, length_, y_ + to);
            break;
          case DType::uint8:
          case DType::boolean:
            argmax_line(reinterpret_cast<const uint8_t*>(x_) + from, stride_, length_, y_ + to);
            break;
          default:
            argmax_line(reinterpret_cast<const float*>(x_) + from, stride_, length_, y_ + to);
        }
      }
    };
    in_parts(lines_.count, lines_.count * length_ < 16384 ? 1 : now.threads, part);
  }

 private:
  Place from_, to_;
  DType dtype_;
  Lines lines_;
  int64_t length_, stride_;
  const char* x_ = nullptr;
  int32_t* y_ = nullptr;
};

/// Shapes of gather and scatter_add: [outer…] [indexed axis | index axes…] [inner…], as strides.
struct Indexing {
  Shape sizes;                     ///< of v: outer axes, index axes, inner axes
  Shape v, full, index;            ///< strides per axis of v; `full` is 0 on index axes, `index` 0 on the others
  int64_t axis_size, axis_stride;  ///< of the full tensor's indexed axis
};

class IndexStep : public Step {
 public:
  IndexStep(bool scatter, bool real, Place full, Place indices, Place v, size_t bytes, int64_t full_count, Indexing s)
      : scatter_(scatter),
        real_(real),
        full_place_(full),
        index_place_(indices),
        v_place_(v),
        bytes_(bytes),
        full_count_(full_count),
        s_(std::move(s)),
        shared_(shared_axis()) {}
  void bind(const Memory& m) override { full_ = m.at<char>(full_place_), index_ = m.at<int32_t>(index_place_), v_ = m.at<char>(v_place_); }
  void run(const Moment& now) override {
    if (scatter_) std::memset(full_, 0, size_t(full_count_) * bytes_);
    if (s_.sizes.empty()) return row(1, 0, 0, 0, 0, 0, 0);
    const size_t axis = shared_.value_or(0);
    const int threads = shared_ && element_count(s_.sizes) >= 16384 ? now.threads : 1;
    in_parts(s_.sizes[axis], threads, [&](int, int64_t begin, int64_t end) {
      if (begin < end) walk({axis, begin, end}, 0, 0, 0, 0);
    });
  }

 private:
  /// Part of the places of one axis of v.
  struct Part {
    size_t axis;
    int64_t begin, end;
  };
  /// The largest axis that threads can share: of a scatter one whose places add up in places of their own; none where there is no such
  /// axis.
  std::optional<size_t> shared_axis() const {
    std::optional<size_t> best;
    for (size_t a = 0; a < s_.sizes.size(); ++a)
      if (!(scatter_ && s_.full[a] == 0) && (!best || s_.sizes[a] > s_.sizes[*best])) best = a;
    return best;
  }
  /// Row-major over v, so that sums have one order.
  void walk(const Part& p, size_t a, int64_t v, int64_t full, int64_t index) {
    const int64_t begin = a == p.axis ? p.begin : 0, end = a == p.axis ? p.end : s_.sizes[a];
    v += begin * s_.v[a], full += begin * s_.full[a], index += begin * s_.index[a];
    if (a + 1 == s_.sizes.size()) return row(end - begin, v, full, index, s_.v[a], s_.full[a], s_.index[a]);
    for (int64_t i = begin; i < end; ++i, v += s_.v[a], full += s_.full[a], index += s_.index[a]) walk(p, a + 1, v, full, index);
  }
  /// n elements along the last axis, with their strides.
  void row(int64_t n, int64_t v, int64_t full, int64_t index, int64_t dv, int64_t df, int64_t di) {
    if (di == 0 && dv == 1 && df == 1) return block(n, v, full, index_[index]);
    for (int64_t i = 0; i < n; ++i, v += dv, full += df, index += di) block(1, v, full, index_[index]);
  }
  /// n elements that lie side by side, at place k of the indexed axis.
  void block(int64_t n, int64_t v, int64_t full, int64_t k) {
    const bool inside = k >= 0 && k < s_.axis_size;
    char* own = v_ + v * int64_t(bytes_);
    char* other = full_ + (full + k * s_.axis_stride) * int64_t(bytes_);
    if (!scatter_) {
      if (inside)
        std::memcpy(own, other, size_t(n) * bytes_);
      else
        std::memset(own, 0, size_t(n) * bytes_);
    } else if (inside && real_) {
      add(reinterpret_cast<float*>(other), reinterpret_cast<const float*>(own), n);
    } else if (inside) {
      add(reinterpret_cast<uint32_t*>(other), reinterpret_cast<const uint32_t*>(own), n);
    }
  }
  template <class T>
  static void add(T* to, const T* from, int64_t n) {
    for (int64_t i = 0; i < n; ++i) to[i] += from[i];
  }
  bool scatter_, real_;
  Place full_place_, index_place_, v_place_;
  size_t bytes_;
  int64_t full_count_;
  Indexing s_;
  std::optional<size_t> shared_;
  char *full_ = nullptr, *v_ = nullptr;
  const int32_t* index_ = nullptr;
};

void lower_gather(Lowering& l, const Op& op, bool scatter) {
  const Value &indices = op.in(1), &v = scatter ? op.in(0) : op.out(0), &full = scatter ? op.out(0) : op.in(0);
  if (scatter && size_of(v.dtype) != 4) op.fail("scatter_add of ", name_of(v.dtype), " is not supported; wanted float32, int32 or uint32");
  const size_t axis = size_t(op.integer("axis")), index_rank = indices.rank();
  Shape v_strides, full_strides, index_strides;
  const uint64_t out_token = default_token(op.out(0).shape);
  const Place in = l.operand(op, 0, scatter ? v_strides : full_strides), index = l.operand(op, 1, index_strides);
  (scatter ? full_strides : v_strides) = axis_strides(out_token, op.out(0).shape).value();
  const Place out = l.result(op, 0, out_token);
  Indexing s{v.shape, v_strides, Shape(v.rank(), 0), Shape(v.rank(), 0), full.shape[axis], full_strides[axis]};
  for (size_t a = 0; a < v.rank(); ++a) {
    if (a < axis)
      s.full[a] = full_strides[a];
    else if (a < axis + index_rank)
      s.index[a] = index_strides[a - axis];
    else
      s.full[a] = full_strides[a - index_rank + 1];
  }
  l.add([&] {
    return std::make_unique<IndexStep>(scatter, v.dtype == DType::float32, scatter ? out : in, index, scatter ? in : out, size_of(v.dtype),
                                       full.count(), std::move(s));
  });
}

class KernelStep : public Step {
 public:
  KernelStep(const Op& op, std::vector<Place> in, std::vector<Place> out)
      : kernel_(op.kernel),
        constants_(op.raw.constants),
        constant_count_(op.raw.constant_count),
        items_(op.raw.items),
        in_(std::move(in)),
        out_(std::move(out)) {
    int64_t elements = 0;
    for (size_t i = 0; i < in_.size(); ++i) in_shapes_.push_back(shape_of(op.in(i))), elements += op.in(i).count();
    for (size_t i = 0; i < out_.size(); ++i) out_shapes_.push_back(shape_of(op.out(i))), elements += op.out(i).count();
    work_ = std::max(items_, elements);
  }
  void bind(const Memory& m) override {
    in_at_.clear(), out_at_.clear();
    for (const Place& p : in_) in_at_.push_back(m.at(p));
    for (const Place& p : out_) out_at_.push_back(m.at(p));
  }
  void run(const Moment& now) override {
    const auto part = [&](int, int64_t begin, int64_t end) {
      const lamina_kernel_call call{sizeof call,
                                    uint32_t(in_at_.size()),
                                    uint32_t(out_at_.size()),
                                    constant_count_,
                                    in_at_.data(),
                                    out_at_.data(),
                                    in_shapes_.data(),
                                    out_shapes_.data(),
                                    constants_,
                                    begin,
                                    end};
      if (begin < end) kernel_.cpu_float(&call);
    };
    in_parts(items_, work_ < 4096 ? 1 : int(std::min<int64_t>(now.threads, items_)), part);
  }

 private:
  static lamina_shape shape_of(const Value& v) {
    lamina_shape s{uint32_t(v.dtype), v.rank(), {}};
    std::copy(v.shape.begin(), v.shape.end(), s.dims);
    return s;
  }
  lamina_kernel kernel_;
  const double* constants_;
  uint32_t constant_count_;
  int64_t items_;
  int64_t work_ = 0;  ///< what an item costs is not known: at least its share of the tensors, as there may be few items for much work
  std::vector<Place> in_, out_;
  std::vector<lamina_shape> in_shapes_, out_shapes_;
  std::vector<const void*> in_at_;
  std::vector<void*> out_at_;
};

}  // namespace

void lower_kernel(Lowering& l, const Op& op) {
  if (!op.kernel.cpu_float)
    op.fail("the kernel '", op.kernel.name ? op.kernel.name : "",
            "' has no float32 body for the CPU; choose the backend its author wrote it for");
  std::vector<Place> in, out;
  for (size_t i = 0; i < op.in_count(); ++i) in.push_back(l.operand(op, i, 0));
  for (size_t i = 0; i < op.out_count(); ++i) out.push_back(l.result(op, i, 0));
  l.add([&] { return std::make_unique<KernelStep>(op, std::move(in), std::move(out)); });
}

void lower_index(Lowering& l, const Op& op) {
  if (op.name == "gather" || op.name == "scatter_add") return lower_gather(l, op, op.name == "scatter_add");
  const Value &x = op.in(0), &y = op.out(0);
  const size_t axis = size_t(op.integer("axis"));
  if (is_real(x.dtype) && x.dtype != DType::float32)
    op.fail("argmax of ", name_of(x.dtype), " is not supported; wanted float32 or integers");
  Shape strides;
  const Place from = l.operand(op, 0, strides);
  const uint64_t token = default_token(y.shape);
  const Place to = l.result(op, 0, token);
  Lines lines(x.shape, strides, axis_strides(token, y.shape).value(), axis);
  l.add([&] { return std::make_unique<ArgmaxStep>(from, to, x.dtype, std::move(lines), x.shape[axis], strides[axis]); });
}

}  // namespace lamina::cpu
