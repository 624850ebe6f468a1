/// A layer is a struct with `forward`, and with `declare` for its parameters and ports. No base class: the signature says what it takes.
///   Tensor forward(Scope&, Tensor x) const                                   one input, one result
///   Tensor forward(Scope&, Tensor a, std::optional<Tensor> b) const          b may be absent
///   Tensor forward(Scope&, Tensors xs) const                                 any number of inputs, at least one
///   Tensor forward(Scope&) const                                             a source
///   std::array<Tensor, 2> forward(…) const                                   several results, named by declare's result()
///   Tensors forward(…) const                                                 as many results as the settings say: declare's result_list()
/// forward is const: it is called once per program and depends on parameters, shapes and training() alone.
#pragma once
#include "signature.hpp"

namespace lamina::border {

template <class T>
struct Layer : Recorded<T, &T::forward> {
  static constexpr lamina_layer table{sizeof(lamina_layer), Layer::record};
};

}  // namespace lamina::border

#define LAMINA_LAYER(Type, name, doc) LAMINA_PLUGIN("layer", name, doc, lamina::border::Layer<Type>)
