/// How steps run that read and write tensors of one type only.
#pragma once
#include <algorithm>
#include <array>
#include <tuple>

#include "lowering.hpp"

namespace lamina::cpu {

/// Calls add(place…), whose steps know only `type`: other operands are converted into scratch before it; the last one is the result, and is
/// converted after it.
template <class Add, class... Tensors>
void in_type(Lowering& l, DType type, const Add& add, const Tensors&... tensors) {
  const std::array<Operand, sizeof...(tensors)> all = {tensors...};
  std::array<Place, sizeof...(tensors)> places;
  const Operand& result = all.back();
  for (size_t i = 0; i + 1 < all.size(); ++i) places[i] = l.converted(all[i], type);
  places.back() = result.type == type ? result.place : l.scratch(uint64_t(result.count) * size_of(type));
  std::apply(add, places);
  if (result.type != type) l.add_conversion({places.back(), result.count, type}, result);
}

/// Calls add(type, place…) with the type that all have, else float32.
template <class Add, class... Tensors>
void in_one_type(Lowering& l, const Add& add, const Operand& first, const Tensors&... others) {
  const DType type = ((others.type == first.type) && ...) ? first.type : DType::float32;
  in_type(
      l, type, [&](auto... places) { add(type, places...); }, first, others...);
}

}  // namespace lamina::cpu
