/// A loss is a struct with `Tensor forward(Scope&, Tensor prediction, Tensor target, std::optional<Tensor> weight) const` (weight may be
/// left out of the signature), which returns one number: a tensor of rank 0. It is recorded like a layer and differentiated by the host.
#pragma once
#include "signature.hpp"
#include "target.hpp"

namespace lamina::border {

template <class T>
struct Loss : Recorded<T, &T::forward> {
  static_assert(Loss::Call::inputs == 2 || Loss::Call::inputs == 3, "a loss takes prediction, target and perhaps weight");
  static_assert(Loss::Call::results == 1, "a loss has one result");
  static constexpr lamina_layer table{sizeof(lamina_layer), Loss::record};
};

}  // namespace lamina::border

#define LAMINA_LOSS(Type, name, doc) LAMINA_PLUGIN("loss", name, doc, lamina::border::Loss<Type>)
