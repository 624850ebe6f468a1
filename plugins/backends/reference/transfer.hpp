/// Between tensors in memory and registers of a map: loads, stores, rounding to 16-bit storage types, reductions.
/// Registers hold the type that with_type gives. Offsets and steps are in elements.
#pragma once
#include <lamina/program.hpp>

namespace reference {

/// An operand with consecutive elements is its own register. Not bool: a byte of a file may be neither 0 nor 1.
bool is_plain(lamina::DType);
void load(lamina::DType, const void* from, int64_t at, int64_t step, void* to_register, int64_t n);

using Store = void (*)(const void* reg, void* to, int64_t at, int64_t step, int64_t n);
Store find_store(lamina::DType);

using Rounding = void (*)(void* reg, int64_t n);
Rounding rounding_to(lamina::DType);  ///< null where the register's type is the stored type

/// Sums are kept as double for reals, int64_t for integers, 8 bytes each. NaN wins every maximum and minimum; ties keep the first.
struct Reducer {
  void (*start)(void* sums, int64_t count);
  void (*add)(const void* reg, void* sums, int64_t at, int64_t step, int64_t n);
  void (*finish)(const void* sums, lamina::DType, void* to, int64_t count);
};
const Reducer* find_reducer(uint32_t reduce, lamina::DType);  ///< null: no such reduction

}  // namespace reference
