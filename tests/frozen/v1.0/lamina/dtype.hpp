/// Element types (the numbers are those of the C ABI and never change) and shapes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

#include "abi.h"

namespace lamina {

using Shape = std::vector<int64_t>;  ///< extents, outermost axis first: [batch, channels, height, width]

enum class DType : uint32_t {
  float32 = LAMINA_FLOAT32,
  float64 = LAMINA_FLOAT64,
  float16 = LAMINA_FLOAT16,
  bfloat16 = LAMINA_BFLOAT16,
  int32 = LAMINA_INT32,
  uint32 = LAMINA_UINT32,
  uint8 = LAMINA_UINT8,
  boolean = LAMINA_BOOL
};

/// Bytes of one element; 0 for a number that is no dtype.
constexpr size_t size_of(DType t) {
  constexpr uint8_t bytes[] = {0, 4, 8, 2, 2, 4, 4, 1, 1};
  return uint32_t(t) < sizeof bytes ? bytes[uint32_t(t)] : 0;
}
/// "float32", "bool", …
constexpr const char* name_of(DType t) {
  constexpr const char* names[] = {"no dtype", "float32", "float64", "float16", "bfloat16", "int32", "uint32", "uint8", "bool"};
  return names[uint32_t(t) < std::size(names) ? uint32_t(t) : 0];
}
constexpr bool is_real(DType t) { return t >= DType::float32 && t <= DType::bfloat16; }

}  // namespace lamina
