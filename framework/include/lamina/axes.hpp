/// Axes as settings name them: negative ones count from the last. An axis that x does not have is an Error of the setting. And parts of x
/// along an axis.
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
/// x cut along an axis into parts of these lengths, however many.
inline Tensors parts_of(const Tensor& x, int axis, const Shape& lengths) {
  constexpr size_t most = 16;  // results of an op, as Scope::emit takes them
  if (lengths.size() <= most) return x.scope()->emit("split", {x}, {{"axis", axis}, {"sizes", lengths}});
  std::vector<Shape> groups;
  Shape wide(1 + (lengths.size() - 1) / most, 0);
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (i % most == 0) groups.emplace_back();
    groups.back().push_back(lengths[i]), wide[i / most] += lengths[i];
  }
  Tensors all;
  const Tensors coarse = parts_of(x, axis, wide);
  for (size_t i = 0; i < coarse.size(); ++i)
    for (const Tensor& part : parts_of(coarse[i], axis, groups[i])) all.push_back(part);
  return all;
}

}  // namespace lamina
