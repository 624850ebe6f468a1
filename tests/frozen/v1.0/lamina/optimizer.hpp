/// An optimizer is a struct with `Tensor update(UpdateScope&, Tensor w, Tensor g) const`, which returns the next w. It is recorded once per
/// parameter; what depends only on scalars (rate, step, decays) is evaluated on the host in float64 before each step.
#pragma once
#include "signature.hpp"

namespace lamina {

/// Where an update is recorded: one parameter of one program.
struct UpdateScope : Scope {
  UpdateScope(const lamina_host* host, lamina_scope* handle, lamina_value id) : Scope(host, handle), w(*this, id) {}
  Tensor learning_rate() { return emit("scalar", {}, {{"name", "learning_rate"}})[0]; }  ///< scheduled, scaled for this parameter
  Tensor step() { return emit("scalar", {}, {{"name", "step"}})[0]; }                    ///< 1 in the first update
  State state(const char* name, double value = 0) { return Scope::state(name, w.shape(), value); }  ///< a slot shaped and laid out like w
  Tensor w;
};

namespace border {

template <class T>
struct Optimizer {
  using Plugin = T;
  static lamina_status update(const lamina_host* host, lamina_scope* handle, const lamina_attribute* settings, uint32_t setting_count,
                              lamina_value w, lamina_value g, lamina_value* next) {
    return guard(host, handle, [&] {
      UpdateScope scope(host, handle, w);
      const T plugin = configured<T>(settings, setting_count, &scope);
      uint32_t count = 1;
      give(scope, {plugin.update(scope, scope.w, Tensor(scope, g))}, next, &count);
    });
  }
  static void complete(Declaration&) {}
  static constexpr lamina_optimizer table{sizeof(lamina_optimizer), update};
};

}  // namespace border
}  // namespace lamina

#define LAMINA_OPTIMIZER(Type, name, doc) LAMINA_PLUGIN("optimizer", name, doc, lamina::border::Optimizer<Type>)
