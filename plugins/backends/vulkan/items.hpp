/// Kernels of numbered work items (shaders/items.glsl) and what their hosts share.
#pragma once
#include "lowering.hpp"

namespace lamina::vulkan {

using Words = std::vector<uint32_t>;

/// A `Divisor` of shaders/divide.glsl, three words. `by` is 1 to 2³¹ − 1.
void append_divisor(Words& words, uint64_t by);

/// One invocation per item; `push` stands behind the number of items, so the shader's push constants begin with `uint count`.
void add_items(Lowering& l, const Op& op, Shader shader, std::vector<Range> bindings, uint64_t count, const Words& push);

/// The most neighbours, of 4, 2 and 1, that a vector can hold where rows are n elements long.
uint32_t width_of(uint64_t n);
std::string define(const char* name, uint64_t value);

/// The type of a value's elements on the device: inputs of float64 are converted to float32 by the host, on their way up.
inline DType stored_type(const Value& v) { return v.is(LAMINA_INPUT) && v.dtype == DType::float64 ? DType::float32 : v.dtype; }
/// Refuses types that are neither words nor bytes, and numbers of elements that index arithmetic does not hold.
void expect_elements(const Op& op, const Value& v);
void expect_float32(const Op& op, const Value& v);
/// The same of all operands and results of an op whose kernels do not know narrow storage, which is refused.
void expect_words(const Lowering& l, const Op& op);
/// Definition NARROW of shaders/narrow.glsl; empty for float32.
std::string define_storage(DType storage);
/// A number in the 32 bits in which shaders read it: casts as the op `cast` defines them.
uint32_t word_of(double v, DType dtype);
inline bool is_bytes(DType t) { return size_of(t) == 1; }
inline uint32_t per_word(DType t) { return uint32_t(4 / size_of(t)); }

/// A tensor in its default layout seen along one axis: element i of row (o, r) is number (o · length + i) · inner + r.
struct Along {
  uint64_t outer = 1, length = 1, inner = 1;
  Along(const Shape& shape, size_t axis);
};
/// The axes of the default layout, outermost first.
std::vector<int> default_order(size_t rank);

}  // namespace lamina::vulkan
