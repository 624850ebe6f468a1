// reshape and transpose (views wherever the planner grants them), slice, pad, concat, reverse, reorder, copy.
#include <algorithm>
#include <cstring>

#include "lowering.hpp"
#include "map_code.hpp"
#include "move.hpp"

namespace lamina::cpu {

namespace {

/// Strided copies, one after the other, after an optional fill of the result.
class CopyStep : public Step {
 public:
  struct Part {
    Place from;
    int64_t from_offset, to_offset;  ///< in elements
    Mover mover;
  };
  CopyStep(Place to, int64_t count, size_t bytes, std::vector<Part> parts, std::optional<std::vector<char>> fill)
      : to_(to), count_(count), bytes_(bytes), parts_(std::move(parts)), fill_(std::move(fill)) {}
  void bind(const Memory& m) override {
    target_ = m.at<char>(to_), sources_.clear();
    for (const Part& p : parts_) sources_.push_back(m.at<char>(p.from));
  }
  void run(const Moment& now) override {
    if (fill_) {
      const bool zero = std::all_of(fill_->begin(), fill_->end(), [](char c) { return c == 0; });
      if (zero)
        std::memset(target_, 0, size_t(count_) * bytes_);
      else
        for (int64_t i = 0; i < count_; ++i) std::memcpy(target_ + size_t(i) * bytes_, fill_->data(), bytes_);
    }
    for (size_t i = 0; i < parts_.size(); ++i)
      parts_[i].mover.run(sources_[i] + parts_[i].from_offset * int64_t(bytes_), target_ + parts_[i].to_offset * int64_t(bytes_),
                          now.threads);
  }

 private:
  Place to_;
  int64_t count_;
  size_t bytes_;
  std::vector<Part> parts_;
  std::optional<std::vector<char>> fill_;
  char* target_ = nullptr;
  std::vector<const char*> sources_;
};

/// Element by element through one table of positions per axis (reflect and edge padding).
class TableStep : public Step {
 public:
  TableStep(Place from, Place to, size_t bytes, Shape shape, Shape to_strides, std::vector<std::vector<int64_t>> tables)
      : from_(from), to_(to), bytes_(bytes), shape_(std::move(shape)), to_strides_(std::move(to_strides)), tables_(std::move(tables)) {}
  void bind(const Memory& m) override { source_ = m.at<char>(from_), target_ = m.at<char>(to_); }
  void run(const Moment&) override { axis(0, source_, target_); }

 private:
  void axis(size_t a, const char* from, char* to) {
    if (a == shape_.size()) {
      std::memcpy(to, from, bytes_);
      return;
    }
    for (int64_t i = 0; i < shape_[a]; ++i)
      axis(a + 1, from + tables_[a][size_t(i)] * int64_t(bytes_), to + i * to_strides_[a] * int64_t(bytes_));
  }
  Place from_, to_;
  size_t bytes_;
  Shape shape_, to_strides_;
  std::vector<std::vector<int64_t>> tables_;
  const char* source_ = nullptr;
  char* target_ = nullptr;
};

/// The loops in the order of the destination's strides.
Move in_order(const Shape& sizes, const Shape& from, const Shape& to) {
  std::vector<size_t> order(sizes.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return to[a] > to[b]; });
  Move nest;
  for (size_t i : order) nest.sizes.push_back(sizes[i]), nest.from.push_back(from[i]), nest.to.push_back(to[i]);
  return simplified(nest);
}

Shape strides_of(uint64_t token, const Shape& shape) { return axis_strides(token, shape).value(); }

void lower_copies(Lowering& l, const Op& op) {
  const Value& y = op.out(0);
  const uint64_t token = default_token(y.shape);
  const Shape to = strides_of(token, y.shape);
  const size_t bytes = size_of(l.stored(y)), rank = y.rank();
  std::vector<CopyStep::Part> parts;
  std::optional<std::vector<char>> fill;
  int64_t before = 0;
  for (size_t i = 0; i < op.in_count(); ++i) {
    const Value& x = op.in(i);
    Shape from, sizes = x.shape, out = to;
    const Place source = l.operand(op, i, from);
    int64_t from_offset = 0, to_offset = 0;
    if (op.name == "concat") {
      const size_t axis = size_t(op.integer("axis"));
      to_offset = before * to[axis];
      before += x.shape[axis];
    } else if (op.name == "slice") {
      const Shape begin = op.list("begin"), stride = op.list("stride");
      sizes = y.shape;
      for (size_t a = 0; a < rank; ++a) from_offset += begin[a] * from[a], from[a] *= stride[a];
    } else if (op.name == "reverse") {
      for (int64_t a : op.list("axes")) from_offset += (sizes[size_t(a)] - 1) * from[size_t(a)], from[size_t(a)] *= -1;
    } else {  // pad with a constant
      const Shape low = op.list("low"), interior = op.list("interior");
      for (size_t a = 0; a < rank; ++a) to_offset += low[a] * to[a], out[a] *= interior[a] + 1;
      const uint32_t bits = register_bits(op.real("value", 0), y.dtype);
      uint64_t stored = 0;
      kernels().store(&stored, &bits, stored_as(l.stored(y)), 1);
      fill.emplace(reinterpret_cast<char*>(&stored), reinterpret_cast<char*>(&stored) + bytes);
    }
    parts.push_back({source, from_offset, to_offset, Mover(in_order(sizes, from, out), bytes)});
  }
  const Place target = l.result(op, 0, token);
  l.add([&] { return std::make_unique<CopyStep>(target, y.count(), bytes, std::move(parts), std::move(fill)); });
}

void lower_mirrored_pad(Lowering& l, const Op& op, bool reflect) {
  const Value &x = op.in(0), &y = op.out(0);
  const uint64_t token = default_token(y.shape);
  Shape from;
  const Place source = l.operand(op, 0, from), target = l.result(op, 0, token);
  const Shape low = op.list("low");
  std::vector<std::vector<int64_t>> tables(x.rank());
  for (size_t a = 0; a < x.rank(); ++a)
    for (int64_t i = 0; i < y.shape[a]; ++i) {
      const int64_t size = x.shape[a];
      int64_t at = i - low[a];
      if (reflect && size > 1) {
        const int64_t turn = 2 * (size - 1);  // the border element is not repeated
        at = ((at % turn) + turn) % turn;
        at = at < size ? at : turn - at;
      }
      tables[a].push_back(std::clamp(at, int64_t(0), size - 1) * from[a]);
    }
  l.add([&] {
    return std::make_unique<TableStep>(source, target, size_of(l.stored(y)), y.shape, strides_of(token, y.shape), std::move(tables));
  });
}

}  // namespace

void lower_shape(Lowering& l, const Op& op) {
  if (op.name == "slice" || op.name == "concat" || op.name == "reverse") return lower_copies(l, op);
  if (op.name == "pad") {
    const std::string mode = op.text("mode", "constant");
    return mode == "constant" ? lower_copies(l, op) : lower_mirrored_pad(l, op, mode == "reflect");
  }
  backends::lower_moved(l, op);
}

}  // namespace lamina::cpu
