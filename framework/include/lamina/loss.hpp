/// A loss is a struct with `Tensor forward(Scope&, Tensor prediction, Tensor target, std::optional<Tensor> weight) const` (weight may be
/// left out of the signature), which returns one number: a tensor of rank 0. It is recorded like a layer and differentiated by the host.
#pragma once
#include "signature.hpp"
#include "target.hpp"

namespace lamina::border {

template <class T>
struct Loss : Recorded<T> {
  static_assert(Recorded<T>::Call::inputs >= 2 && Recorded<T>::Call::results == 1,
                "a loss takes prediction, target and perhaps weight, and has one result");
  static lamina_status forward(const lamina_host* host, lamina_scope* handle, const lamina_attribute* settings, uint32_t setting_count,
                               const lamina_value* in, uint32_t in_count, lamina_value* out, uint32_t* out_count) {
    if (const lamina_status failed = Recorded<T>::forward(host, handle, settings, setting_count, in, in_count, out, out_count))
      return failed;
    return guard(host, handle, [&] {
      Scope scope(host, handle);
      const Shape shape = Tensor(scope, out[0]).shape();
      if (!shape.empty()) throw Error(describe("a loss must be one number (rank 0), this one has the shape ", shape));
    });
  }
  static constexpr lamina_layer table{sizeof(lamina_layer), forward};
};

}  // namespace lamina::border

#define LAMINA_LOSS(Type, name, doc) LAMINA_PLUGIN("loss", name, doc, lamina::border::Loss<Type>)
