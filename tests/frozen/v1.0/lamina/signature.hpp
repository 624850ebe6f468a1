/// How the border calls a member function that records tensors: its signature declares inputs and results. Shared by the kinds that record.
#pragma once
#include <array>
#include <tuple>

#include "plugin.hpp"

namespace lamina::border {

template <class A>
constexpr bool is_input = std::is_same_v<A, Tensor> || std::is_same_v<A, Tensors> || std::is_same_v<A, std::optional<Tensor>>;

/// The next argument from what the host hands over; it has checked the count against the ports.
template <class A>
A take(Scope& s, const lamina_value* in, uint32_t count, uint32_t& i) {
  static_assert(is_input<A>, "inputs are Tensor, std::optional<Tensor> or, last, Tensors");
  if constexpr (std::is_same_v<A, Tensors>) {
    Tensors rest;
    while (i < count) rest.emplace_back(s, in[i++]);
    return rest;
  } else {
    const lamina_value id = i < count ? in[i] : 0;
    ++i;
    if constexpr (std::is_same_v<A, Tensor>) {
      if (!id) throw Error(describe("input number ", i, " is missing"));
      return Tensor(s, id);
    } else {
      return id ? A(Tensor(s, id)) : A();
    }
  }
}
inline Tensors list(const Tensor& t) { return {t}; }
template <class Many>
Tensors list(const Many& many) {
  return Tensors(many.begin(), many.end());
}
template <class R>
struct ResultCount {
  static constexpr size_t value = 1;
};
template <>
struct ResultCount<Tensors> {
  static constexpr size_t value = 0;  // as many as declare names
};
template <size_t n>
struct ResultCount<std::array<Tensor, n>> {
  static constexpr size_t value = n;
};

/// Method is a pointer to `R T::method(Scope&, A…) const`.
template <class Method>
struct Signature {
  static_assert(!sizeof(Method), "wanted: Tensor forward(Scope&, Tensor x) const");
};
template <class T, class R, class... A>
struct Signature<R (T::*)(Scope&, A...) const> {
  static constexpr size_t inputs = sizeof...(A), results = ResultCount<R>::value;

  static Tensors call(R (T::*method)(Scope&, A...) const, const T& t, Scope& s, [[maybe_unused]] const lamina_value* in,
                      [[maybe_unused]] uint32_t count) {
    [[maybe_unused]] uint32_t i = 0;
    std::tuple<std::decay_t<A>...> arguments{take<std::decay_t<A>>(s, in, count, i)...};
    return std::apply([&](auto&... a) { return list((t.*method)(s, a...)); }, arguments);
  }
  /// declare names the ports; the signature knows which may be absent and which repeats.
  static void complete(Declaration& d) {
    const std::array<uint32_t, sizeof...(A) + 1> flags = {flag<std::decay_t<A>>()...};
    if (d.inputs.empty() && inputs == 1) d.input("x", "any shape");
    if (d.results.empty() && results == 1) d.result("y", "as x");
    if (d.inputs.size() != inputs) throw Error(describe("declare names ", d.inputs.size(), " inputs, the signature has ", inputs));
    if (results && d.results.size() != results)
      throw Error(describe("declare names ", d.results.size(), " results, the signature has ", results));
    for (size_t i = 0; i < inputs; ++i) d.inputs[i].flags = flags[i];
  }

 private:
  template <class I>
  static constexpr uint32_t flag() {
    return std::is_same_v<I, Tensors>                 ? uint32_t(LAMINA_MANY)
           : std::is_same_v<I, std::optional<Tensor>> ? uint32_t(LAMINA_OPTIONAL_INPUT)
                                                      : 0;
  }
};

/// Hands results to the host; *count is its room on entry, their number on return.
inline void give(Scope& s, const Tensors& results, lamina_value* out, uint32_t* count) {
  if (results.size() > *count) throw Error(describe(results.size(), " results came, there is room for ", *count));
  *count = 0;
  for (auto& r : results) {
    out[*count] = r.id_in(s);
    if (!out[(*count)++]) throw Error(describe("result number ", *count, " is nothing"));
  }
}

/// A plugin whose const member function `method` records: its arguments are the inputs, what it returns the results.
template <class T, auto method>
struct Recorded {
  using Plugin = T;
  using Call = Signature<decltype(method)>;
  static lamina_status record(const lamina_host* host, lamina_scope* handle, const lamina_attribute* settings, uint32_t setting_count,
                              const lamina_value* in, uint32_t in_count, lamina_value* out, uint32_t* out_count) {
    return guard(host, handle, [&] {
      Scope scope(host, handle);
      const T plugin = configured<T>(settings, setting_count, &scope);
      give(scope, Call::call(method, plugin, scope, in, in_count), out, out_count);
    });
  }
  static void complete(Declaration& d) { Call::complete(d); }
};

}  // namespace lamina::border
