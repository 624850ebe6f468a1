#include "train/widen.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>

namespace lamina {
namespace {

template <class T>
void widen(const void* from, size_t count, double* to) {
  const T* values = static_cast<const T*>(from);
  std::copy(values, values + count, to);
}
double of_float16(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const double size = exponent == 31 ? (fraction ? std::nan("") : std::numeric_limits<double>::infinity())
                      : exponent     ? std::ldexp(1024 + fraction, exponent - 25)
                                     : std::ldexp(fraction, -24);
  return bits >> 15 ? -size : size;
}
double of_bfloat16(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }

}  // namespace

void widen(DType dtype, const void* from, size_t count, double* to) {
  const auto* halves = static_cast<const uint16_t*>(from);
  switch (dtype) {
    case DType::float64:
      return widen<double>(from, count, to);
    case DType::float32:
      return widen<float>(from, count, to);
    case DType::float16:
      std::transform(halves, halves + count, to, of_float16);
      return;
    case DType::bfloat16:
      std::transform(halves, halves + count, to, of_bfloat16);
      return;
    case DType::int32:
      return widen<int32_t>(from, count, to);
    case DType::uint32:
      return widen<uint32_t>(from, count, to);
    case DType::uint8:
    case DType::boolean:
      return widen<uint8_t>(from, count, to);
  }
  throw std::logic_error("a column is stored in a type that has no name");
}

}  // namespace lamina
