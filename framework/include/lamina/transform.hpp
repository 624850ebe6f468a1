/// A transform is recorded like a layer, on one column of the batch as the dataset stores it: `Tensor forward(Scope&, Tensor x) const`. x
/// keeps its stored type (uint8 pictures) until the transform casts it. A random transform asks training() and does nothing otherwise. One
/// over several columns takes and gives as many: `std::array<Tensor, 2> forward(Scope&, Tensor x, Tensor target) const`.
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

/// [batch, 1, …]: the shape of what is one for each sample of x, ready to broadcast.
inline Shape one_per_sample(const Tensor& x) {
  Shape shape(x.rank(), 1);
  shape[axis_of(shape, 0)] = x.size(0);
  return shape;
}
/// Place of each element of x along one axis, int32, ready to broadcast to x.
inline Tensor positions(Scope& s, const Tensor& x, int axis) {
  Shape shape(x.rank(), 1);
  shape[axis_of(shape, axis)] = x.size(axis);
  return s.emit("iota", {}, {{"shape", shape}, {"axis", axis}, {"dtype", DType::int32}})[0];
}
/// Whole numbers 0 … count − 1, int32, count ≤ 65536, by whole arithmetic, so equal on every backend. Each call of a plugin has its own
/// `stream`.
inline Tensor random_below(Scope& s, const Shape& shape, int64_t count, int stream) {
  if (count < 1 || count > 65536) throw Error(describe("random numbers below ", count, "; wanted 1 to 65536"));
  const Tensor bits = s.emit("random_bits", {}, {{"shape", shape}, {"stream", std::to_string(stream)}})[0];
  const Tensor product = record("shift_right", {bits}, {{"bits", 16}}) * count;
  return cast(record("shift_right", {product}, {{"bits", 16}}), DType::int32);
}
/// y, which is real, in the type that x is stored in: to whole numbers it is rounded, a half up, and kept within the type.
inline Tensor as_stored(const Tensor& y, const Tensor& x) { return x.is_real() ? y : cast(floor(y + 0.5), x.dtype()); }

namespace border {

template <class T>
struct Transform : Recorded<T, &T::forward> {
  static_assert(Transform::Call::inputs > 0 && Transform::Call::inputs == Transform::Call::results,
                "a transform gives as many as it takes");
  static constexpr lamina_layer table{sizeof(lamina_layer), Transform::record};
};

}  // namespace border
}  // namespace lamina

#define LAMINA_TRANSFORM(Type, name, doc) LAMINA_PLUGIN("transform", name, doc, lamina::border::Transform<Type>)
