/// What losses and metrics share: how a target and a weight meet a prediction. Shapes: [batch, …].
#pragma once
#include <array>

#include "tensor.hpp"

namespace lamina {

/// Whether `target` holds class numbers [batch, …] for a prediction [batch, classes, …].
inline bool holds_labels(const Tensor& prediction, const Tensor& target) {
  Shape shape = prediction.shape();
  if (shape.size() < 2 || target.is_real()) return false;
  shape.erase(shape.begin() + 1);
  return target.shape() == shape;
}
/// Class numbers as int32, whatever integer type they are stored in.
inline Tensor as_labels(const Tensor& target) { return target.dtype() == DType::int32 ? target : cast(target, DType::int32); }

/// `target` in the prediction's shape and the program's real type. Shapes may differ in axes of size 1 at the end ([batch] meets [batch,
/// 1]); all else is refused, because broadcasting would pair every prediction with every target.
inline Tensor matched(const Tensor& prediction, const Tensor& target) {
  Shape wanted = prediction.shape(), got = target.shape();
  auto trimmed = [](Shape s) {
    while (!s.empty() && s.back() == 1) s.pop_back();
    return s;
  };
  if (trimmed(wanted) != trimmed(got))
    throw Error(describe("the prediction has the shape ", wanted, ", the target ", got, "; they must agree"));
  return wanted == got ? to_real(target) : reshape(to_real(target), wanted);
}

/// `weight` laid out for values of `shape`: its axes are the first ones of `shape`, so [batch] weighs whole samples.
inline Tensor spread(const Tensor& weight, const Shape& shape) {
  Shape own = weight.shape();
  if (own.size() > shape.size()) throw Error(describe("the weight ", own, " has more axes than what it weighs, ", shape));
  own.resize(shape.size(), 1);
  return broadcast(reshape(to_real(weight), own), shape);
}
/// Σ weight · values / Σ weight; without weight the plain mean.
inline Tensor weighted_mean(const Tensor& values, const std::optional<Tensor>& weight) {
  if (!weight) return mean(values);
  const Tensor w = spread(*weight, values.shape());
  return total(w * values) / total(w);
}
/// Σ weight · values and Σ weight (the number of values when there is no weight): the sums of a mean over many batches.
inline std::array<Tensor, 2> weighted_sums(const Tensor& values, const std::optional<Tensor>& weight) {
  if (!weight) return {total(values), double(element_count(values.shape()))};
  const Tensor w = spread(*weight, values.shape());
  return {total(w * values), total(w)};
}

}  // namespace lamina
