/// Axes as settings name them: negative ones count from the last. An axis that x does not have is an Error of the setting.
#pragma once
#include "tensor.hpp"

namespace lamina {

/// The axis counted from the first.
inline int axis_of(const Tensor& x, int64_t axis, const char* setting) {
  const int64_t rank = x.rank();
  if (axis < -rank || axis >= rank)
    throw Error(describe("\"", setting, "\" names the axis ", axis, ", which the shape ", x.shape(), " does not have"), setting);
  return int(axis < 0 ? axis + rank : axis);
}
/// All of them counted from the first, in their order; Error, too, when one comes twice.
inline Shape axes_of(const Tensor& x, const Shape& axes, const char* setting) {
  Shape counted;
  for (const int64_t axis : axes) {
    const int64_t next = axis_of(x, axis, setting);
    for (const int64_t before : counted)
      if (before == next) throw Error(describe("\"", setting, "\" names an axis of ", x.shape(), " twice: ", axes), setting);
    counted.push_back(next);
  }
  return counted;
}

}  // namespace lamina
