/// Extents of a tensor, outermost axis first.
#pragma once
#include <lamina/dtype.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace lamina {

/// "[32, 3, 28, 28]"; "[]" for a scalar.
inline std::string text_of(const Shape& shape) {
  std::string text = "[";
  for (size_t axis = 0; axis < shape.size(); ++axis) text += (axis ? ", " : "") + std::to_string(shape[axis]);
  return text + "]";
}

/// Elements of a tensor of this shape: 1 for a scalar, 0 where an extent is 0.
/// std::runtime_error for a negative extent and for a product beyond 2^63 - 1.
inline int64_t checked_count(const Shape& shape) {
  int64_t count = 1;
  bool empty = false;
  for (int64_t extent : shape) {
    if (extent < 0) throw std::runtime_error("The shape " + text_of(shape) + " has a negative extent.");
    empty |= extent == 0;
    if (__builtin_mul_overflow(count, extent ? extent : 1, &count))
      throw std::runtime_error("The shape " + text_of(shape) + " has more elements than 64 bits can count.");
  }
  return empty ? 0 : count;
}

}  // namespace lamina
