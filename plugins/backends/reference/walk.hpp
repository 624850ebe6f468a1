/// Walks an iteration space row by row, with an offset per tensor that takes part; no multiplication per element.
#pragma once
#include <lamina/program.hpp>

namespace reference {

using lamina::Shape;

/// Strides, in elements, of a dense tensor of `shape` that broadcasts to `space` (right-aligned, size 1 repeats).
inline Shape broadcast_strides(const Shape& shape, const Shape& space) {
  const auto refuse = [&] { throw lamina::Error(lamina::describe("the shape ", shape, " does not broadcast to ", space)); };
  if (shape.size() > space.size()) refuse();
  const Shape dense = lamina::dense_strides(shape);
  Shape strides(space.size(), 0);
  const size_t shift = space.size() - shape.size();
  for (size_t a = 0; a < shape.size(); ++a) {
    if (shape[a] != 1 && shape[a] != space[shift + a]) refuse();
    if (shape[a] != 1) strides[shift + a] = dense[a];
  }
  return strides;
}

class Walk {
 public:
  Walk() = default;
  /// `strides`: per tensor, one per axis of the space. Neighbouring axes that every tensor sees as one become one, so rows are long.
  Walk(const Shape& space, const std::vector<Shape>& strides) : tensors_(strides.size()), steps_(strides.size(), 0) {
    for (size_t a = space.size(); a-- > 0;) {  // innermost first
      if (space[a] == 1) continue;
      bool one = !dims_.empty();
      for (size_t t = 0; one && t < tensors_; ++t) one = strides[t][a] == dims_.back() * strides_[(dims_.size() - 1) * tensors_ + t];
      if (one) {
        dims_.back() *= space[a];
        continue;
      }
      dims_.push_back(space[a]);
      for (size_t t = 0; t < tensors_; ++t) strides_.push_back(strides[t][a]);
    }
    if (dims_.empty()) return;
    length_ = dims_.front();
    for (size_t t = 0; t < tensors_; ++t) steps_[t] = strides_[t];
  }
  int64_t length() const { return length_; }                    ///< elements of a row
  int64_t step(size_t tensor) const { return steps_[tensor]; }  ///< from an element of a row to the next
  /// Calls row(offsets) for every row in logical order; offsets: one per tensor, of the row's first element.
  template <class Row>
  void rows(Row&& row) const {
    std::vector<int64_t> offsets(tensors_, 0), at(dims_.size(), 0);
    for (;;) {
      row(static_cast<const int64_t*>(offsets.data()));
      size_t axis = 1;
      for (; axis < dims_.size(); ++axis) {
        const int64_t* strides = &strides_[axis * tensors_];
        for (size_t t = 0; t < tensors_; ++t) offsets[t] += strides[t];
        if (++at[axis] < dims_[axis]) break;
        for (size_t t = 0; t < tensors_; ++t) offsets[t] -= strides[t] * dims_[axis];
        at[axis] = 0;
      }
      if (axis >= dims_.size()) return;
    }
  }

 private:
  size_t tensors_ = 0;
  std::vector<int64_t> dims_, strides_, steps_;  // innermost first
  int64_t length_ = 1;
};

}  // namespace reference
