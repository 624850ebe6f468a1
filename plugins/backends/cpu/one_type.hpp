/// How steps run that read and write tensors of one type only.
#pragma once
#include <array>
#include <tuple>

#include "lowering.hpp"

namespace lamina::cpu {

/// The type that all have, else float32.
template <class... Operands>
DType common_type(const Operand& first, const Operands&... others) {
  return ((others.type == first.type) && ...) ? first.type : DType::float32;
}

/// Calls add(operand…) with operands of `type`, in scratch where they are stored otherwise; the last one is the result.
template <class Add, class... Operands>
void in_type(Lowering& l, DType type, const Add& add, const Operands&... operands) {
  const std::array<Operand, sizeof...(operands)> own = {operands...};
  auto used = own;
  for (size_t i = 0; i < own.size(); ++i) {
    if (own[i].type == type) continue;
    used[i] = {l.scratch(uint64_t(own[i].count) * size_of(type)), own[i].count, type};
    if (i + 1 < own.size()) l.add_conversion(own[i], used[i]);
  }
  std::apply(add, used);
  if (own.back().type != type) l.add_conversion(used.back(), own.back());
}

/// A product by add(type, operand…), which says whether it could: of bfloat16 where the session multiplies it, else of float32.
template <class Add, class... Operands>
void add_product(Lowering& l, const Add& add, const Operands&... operands) {
  if (l.settings.narrow_products && (operands.narrow() || ...) && add(DType::bfloat16, operands...)) return;
  in_type(
      l, DType::float32, [&](const auto&... wide) { add(DType::float32, wide...); }, operands...);
}

}  // namespace lamina::cpu
