/// Numbers of every element type: storage types of 16 bits, and conversion as the op `cast` defines it.
#pragma once
#include <lamina/program.hpp>

#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

namespace reference {

using lamina::DType;

inline float from_bfloat16(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }
inline uint16_t to_bfloat16(float v) {  // nearest, ties to even
  const uint32_t bits = std::bit_cast<uint32_t>(v);
  if (v != v) return uint16_t(bits >> 16 | 0x40);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
inline float from_float16(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const float fraction = float(bits & 1023);
  const float sign = bits & 0x8000 ? -1.0f : 1.0f;
  if (exponent == 31) return fraction ? std::numeric_limits<float>::quiet_NaN() : sign * std::numeric_limits<float>::infinity();
  return sign * (exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24));
}
inline uint16_t to_float16(float v) {  // nearest, ties to even; beyond 65504 by more than half a step: infinity
  const uint16_t sign = std::signbit(v) ? 0x8000 : 0;
  if (v != v) return sign | 0x7e00;
  const float size = std::fabs(v);
  if (size >= 65520.0f) return sign | 0x7c00;
  if (size < 6.103515625e-05f) return sign | uint16_t(std::nearbyint(std::ldexp(size, 24)));  // subnormal, or the first normal
  int exponent;
  const float fraction = std::frexp(size, &exponent);                     // in [0.5, 1)
  const auto units = uint32_t(std::nearbyint(std::ldexp(fraction, 11)));  // 1024 … 2048; 2048 carries into the exponent
  return sign | uint16_t((uint32_t(exponent + 14) << 10) + units - 1024);
}

/// float → integer truncates toward zero and saturates, NaN gives 0; to bool: != 0; integers wrap.
template <class To, class From>
To convert(From v) {
  if constexpr (std::is_same_v<To, bool>) {
    return v != From(0);
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    if (v != v) return 0;
    const double d = double(v);
    if (d <= double(std::numeric_limits<To>::lowest())) return std::numeric_limits<To>::lowest();
    if (d >= double(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
    return To(d);
  } else {
    return To(v);
  }
}

/// Calls f with a value of the type that computes for `dtype`: float for both 16-bit types, bool for bool. False for a number that is no
/// dtype.
template <class F>
bool with_type(DType dtype, F&& f) {
  switch (dtype) {
    case DType::float64:
      return f(double()), true;
    case DType::float32:
    case DType::float16:
    case DType::bfloat16:
      return f(float()), true;
    case DType::int32:
      return f(int32_t()), true;
    case DType::uint32:
      return f(uint32_t()), true;
    case DType::uint8:
      return f(uint8_t()), true;
    case DType::boolean:
      return f(bool()), true;
  }
  return false;
}

/// Writes one element of `dtype`.
inline void encode(DType dtype, double v, void* to) {
  with_type(dtype, [&](auto zero) {
    const auto element = convert<decltype(zero)>(v);
    std::memcpy(to, &element, lamina::size_of(dtype));
  });
  const uint16_t half = dtype == DType::float16 ? to_float16(float(v)) : dtype == DType::bfloat16 ? to_bfloat16(float(v)) : 0;
  if (lamina::size_of(dtype) == 2) std::memcpy(to, &half, 2);
}

}  // namespace reference
