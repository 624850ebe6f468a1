#include "transfer.hpp"

#include "numbers.hpp"

namespace reference {
namespace {

template <class Memory, class Register, Register (*Decode)(Memory)>
void load_as(const void* from, int64_t at, int64_t step, void* to, int64_t n) {
  const Memory* x = static_cast<const Memory*>(from) + at;
  Register* y = static_cast<Register*>(to);
  for (int64_t i = 0; i < n; ++i) y[i] = Decode(x[i * step]);
}
template <class Memory, class Register, Memory (*Encode)(Register)>
void store_as(const void* from, void* to, int64_t at, int64_t step, int64_t n) {
  const Register* x = static_cast<const Register*>(from);
  Memory* y = static_cast<Memory*>(to) + at;
  for (int64_t i = 0; i < n; ++i) y[i * step] = Encode(x[i]);
}
template <class T>
T same(T v) {
  return v;
}
bool to_bool(uint8_t v) { return v != 0; }
uint8_t from_bool(bool v) { return v; }

void round_float16(void* reg, int64_t n) {
  for (float* x = static_cast<float*>(reg); n-- > 0; ++x) *x = from_float16(to_float16(*x));
}
void round_bfloat16(void* reg, int64_t n) {
  for (float* x = static_cast<float*>(reg); n-- > 0; ++x) *x = from_bfloat16(to_bfloat16(*x));
}

template <uint32_t Kind, class Sum>
Sum combine(Sum kept, Sum v) {
  if constexpr (Kind == LAMINA_SUM) {
    if constexpr (std::is_integral_v<Sum>)
      return Sum(uint64_t(kept) + uint64_t(v));
    else
      return kept + v;
  } else if constexpr (Kind == LAMINA_MAX) {
    return kept >= v || kept != kept ? kept : v;
  } else {
    return kept <= v || kept != kept ? kept : v;
  }
}
template <uint32_t Kind, class Sum>
void start(void* sums, int64_t count) {
  using Limits = std::numeric_limits<Sum>;
  const Sum low = Limits::has_infinity ? -Limits::infinity() : Limits::lowest(),
            high = Limits::has_infinity ? Limits::infinity() : Limits::max();
  std::fill_n(static_cast<Sum*>(sums), count, Kind == LAMINA_SUM ? Sum(0) : Kind == LAMINA_MAX ? low : high);
}
template <uint32_t Kind, class Sum, class T>
void add(const void* reg, void* sums, int64_t at, int64_t step, int64_t n) {
  const T* x = static_cast<const T*>(reg);
  Sum* kept = static_cast<Sum*>(sums) + at;
  if (step == 0) {
    Sum all = *kept;
    for (int64_t i = 0; i < n; ++i) all = combine<Kind>(all, Sum(x[i]));
    *kept = all;
  } else {
    for (int64_t i = 0; i < n; ++i) kept[i * step] = combine<Kind>(kept[i * step], Sum(x[i]));
  }
}
template <class Sum, class T>
void finish(const void* sums, DType dtype, void* to, int64_t count) {
  const Store store = find_store(dtype);
  for (int64_t i = 0; i < count; ++i) {
    const T element = T(static_cast<const Sum*>(sums)[i]);
    store(&element, to, i, 1, 1);
  }
}
template <uint32_t Kind>
const Reducer* reducer(DType dtype) {
  const Reducer* found = nullptr;
  with_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    using Sum = std::conditional_t<std::is_floating_point_v<T>, double, int64_t>;
    static constexpr Reducer one{start<Kind, Sum>, add<Kind, Sum, T>, finish<Sum, T>};
    found = &one;
  });
  return found;
}

}  // namespace

bool is_plain(DType dtype) { return dtype != DType::float16 && dtype != DType::bfloat16 && dtype != DType::boolean; }

void load(DType dtype, const void* from, int64_t at, int64_t step, void* to, int64_t n) {
  if (dtype == DType::float16) return load_as<uint16_t, float, from_float16>(from, at, step, to, n);
  if (dtype == DType::bfloat16) return load_as<uint16_t, float, from_bfloat16>(from, at, step, to, n);
  if (dtype == DType::boolean) return load_as<uint8_t, bool, to_bool>(from, at, step, to, n);
  with_type(dtype, [&](auto zero) { load_as<decltype(zero), decltype(zero), same<decltype(zero)>>(from, at, step, to, n); });
}

Store find_store(DType dtype) {
  if (dtype == DType::float16) return store_as<uint16_t, float, to_float16>;
  if (dtype == DType::bfloat16) return store_as<uint16_t, float, to_bfloat16>;
  if (dtype == DType::boolean) return store_as<uint8_t, bool, from_bool>;
  Store store = nullptr;
  with_type(dtype, [&](auto zero) { store = store_as<decltype(zero), decltype(zero), same<decltype(zero)>>; });
  return store;
}

Rounding rounding_to(DType dtype) {
  if (dtype == DType::float16) return round_float16;
  if (dtype == DType::bfloat16) return round_bfloat16;
  return nullptr;
}

const Reducer* find_reducer(uint32_t reduce, DType dtype) {
  if (reduce == LAMINA_SUM) return reducer<LAMINA_SUM>(dtype);
  if (reduce == LAMINA_MAX) return reducer<LAMINA_MAX>(dtype);
  if (reduce == LAMINA_MIN) return reducer<LAMINA_MIN>(dtype);
  return nullptr;
}

}  // namespace reference
