/// The elementwise ops, each over a short strip of elements.
#pragma once
#include <lamina/program.hpp>

namespace reference {

/// Computes n elements; in and out are arrays of the types with_type gives for the dtypes of operands and result.
using Strip = void (*)(const void* const* in, void* out, int64_t n);

/// How the types of an op's operands follow from the type of its result.
enum class Typing {
  same,     ///< all alike
  compare,  ///< operands alike, result bool
  select,   ///< bool, then all alike
  any       ///< cast and the identities: the operand may have any type
};
struct Elementwise {
  uint32_t operands;
  Typing typing;
};

/// Null for a name that is not in the list.
const Elementwise* find_elementwise(const std::string& op);
/// The strip of an op for the type of its (last) operand and of its result; null where it is not defined for them.
Strip find_strip(const std::string& op, lamina::DType operand, lamina::DType result);

}  // namespace reference
