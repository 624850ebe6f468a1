/// When algebra is not enough: a kernel of the plugin's own. A kernel is a struct of static members
///   static constexpr const char* name = "softsign";             unique in the plugin
///   static constexpr int inputs = 1, results = 1;
///   template <class T> static void cpu(const Work<T>&);          T is float or double; works on items [begin, end); no throw
///   static constexpr const char* glsl = "void item(uint i) { out0(i, in0(i)); }";                    constants are c0, c1, …
///   static Tensors gradient(Scope&, const Tensors& in, const Tensors& results, const Tensors& upstream, const double* constants);
/// GLSL reads and writes floats, nothing outside a tensor: in1(i), out1(i, v); in1_count(), in1_rank() and in1_size(axis), and so for
/// results. A body or the gradient may be left out: planning then says where the kernel cannot run or be differentiated. An upstream is
/// nothing where the loss does not depend on that result; gradient returns one tensor per input, nothing for an input without gradient.
#pragma once
#include <span>

#include "plugin.hpp"
#include "sized.hpp"

namespace lamina {

/// One call of a CPU body: work items [begin, end).
template <class T>
struct Work {
  const lamina_kernel_call& call;
  int64_t begin = call.begin, end = call.end;
  const T* in(int i) const { return static_cast<const T*>(call.in[i]); }
  T* out(int i) const { return static_cast<T*>(call.out[i]); }
  std::span<const int64_t> in_shape(int i) const { return {call.in_shapes[i].dims, call.in_shapes[i].rank}; }
  std::span<const int64_t> out_shape(int i) const { return {call.out_shapes[i].dims, call.out_shapes[i].rank}; }
  T constant(int i) const { return T(call.constants[i]); }
};

namespace border {

template <class K>
struct Kernel {
  template <class T>
  static void body(const lamina_kernel_call* call) noexcept {
    const lamina_kernel_call known = read_sized(call);
    K::cpu(Work<T>{known});
  }
  static Tensors tensors(Scope& s, const lamina_value* ids, int count) {
    Tensors t;
    for (int i = 0; i < count; ++i) t.push_back(ids[i] ? Tensor(s, ids[i]) : Tensor());
    return t;
  }
  static lamina_status gradient(const lamina_host* host, lamina_scope* handle, const lamina_value* in, const lamina_value* results,
                                const lamina_value* upstream, const double* constants, lamina_value* downstream) {
    return guard(host, handle, [&] {
      Scope s(host, handle);
      const Tensors d =
          K::gradient(s, tensors(s, in, K::inputs), tensors(s, results, K::results), tensors(s, upstream, K::results), constants);
      if (d.size() != size_t(K::inputs))
        throw Error(describe("the gradient of kernel \"", K::name, "\" returned ", d.size(), " tensors for ", K::inputs, " inputs"));
      for (int i = 0; i < K::inputs; ++i) downstream[i] = d[i].id_in(s);
    });
  }
  static constexpr lamina_kernel make() {
    lamina_kernel k{sizeof(lamina_kernel), K::name, nullptr, nullptr, nullptr, nullptr};
    if constexpr (requires(const Work<float>& w) { K::cpu(w); }) k.cpu_float = body<float>, k.cpu_double = body<double>;
    if constexpr (requires { K::glsl; }) k.glsl = K::glsl;
    if constexpr (requires { &K::gradient; }) k.gradient = gradient;
    return k;
  }
  static constexpr lamina_kernel table = make();
};

}  // namespace border

/// Records kernel K. `shapes` are its results', of the program's real type; `items` is the number of work items, in any split and order.
template <class K>
Tensors run(Scope& s, const Tensors& in, const std::vector<Shape>& shapes, int64_t items, const std::vector<double>& constants = {}) {
  if (in.size() != size_t(K::inputs) || shapes.size() != size_t(K::results))
    throw Error(describe("kernel \"", K::name, "\" has ", K::inputs, " inputs and ", K::results, " results, not ", in.size(), " and ",
                         shapes.size()));
  const auto ids = s.values(in);
  std::vector<lamina_shape> out_shapes;
  for (auto& shape : shapes) {
    if (shape.size() > LAMINA_MAX_RANK) throw Error(describe("kernel \"", K::name, "\": a result of shape ", shape, " has too many axes"));
    lamina_shape& o = out_shapes.emplace_back();
    o.rank = uint32_t(shape.size());
    std::copy(shape.begin(), shape.end(), o.dims);
  }
  lamina_value out[K::results];
  if (s.host->kernel(s.handle, &border::Kernel<K>::table, ids.data(), uint32_t(ids.size()), constants.data(), uint32_t(constants.size()),
                     out_shapes.data(), out, K::results, items))
    throw Error();
  Tensors results;
  for (auto id : out) results.emplace_back(s, id);
  return results;
}

}  // namespace lamina
