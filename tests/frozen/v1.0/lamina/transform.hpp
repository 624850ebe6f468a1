/// A transform is recorded like a layer, on one input of the batch as the dataset stores it: `Tensor forward(Scope&, Tensor x) const`. x
/// keeps its stored type (uint8 pictures) until the transform casts it. A random transform asks training() and does nothing otherwise.
#pragma once
#include "signature.hpp"

namespace lamina {

/// Numbers that meet the channels (axis 1) of x: one for all, or one per channel.
inline Tensor channel_values(Scope& s, const PerChannel& numbers, const Tensor& x) {
  if (numbers.values.size() == 1) return numbers.values[0];
  if (x.rank() < 2)
    throw Error(describe("\"", numbers.name, "\" has ", numbers.values.size(), " entries, but the shape ", x.shape(), " has no channels"));
  const Shape one(x.rank(), 1);
  Tensors columns;
  for (double number : numbers.at(x.size(1))) columns.push_back(s.emit("broadcast", {number}, {{"shape", one}})[0]);
  return columns.size() == 1 ? columns[0] : concat(columns, 1);
}

namespace border {

template <class T>
struct Transform : Recorded<T, &T::forward> {
  static_assert(Transform::Call::inputs == 1 && Transform::Call::results == 1, "a transform has one input and one result");
  static constexpr lamina_layer table{sizeof(lamina_layer), Transform::record};
};

}  // namespace border
}  // namespace lamina

#define LAMINA_TRANSFORM(Type, name, doc) LAMINA_PLUGIN("transform", name, doc, lamina::border::Transform<Type>)
