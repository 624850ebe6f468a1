#include "items.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace lamina::vulkan {

namespace {
constexpr uint64_t most = (uint64_t(1) << 31) - 1;  // what a Divisor divides
}

void append_divisor(Words& words, uint64_t by) {
  if (by < 1 || by > most) throw Error(describe("an extent of ", by, " is more than kernels count, 2³¹ − 1"));
  const auto shift = uint32_t(std::bit_width(by - 1));
  const uint64_t power = uint64_t(1) << (31 + shift);
  words.insert(words.end(), {uint32_t(by), uint32_t((power + by - 1) / by), shift});
}

void add_items(Lowering& l, const Op& op, Shader shader, std::vector<Range> bindings, uint64_t count, const Words& push) {
  if (count > most) op.fail("it has ", count, " work items; 2³¹ − 1 are the most");
  const uint32_t size = !l.limits.lanes ? std::min<uint32_t>(256, l.limits.invocations) : count < 4096 ? 16 : 64;
  Dispatch d{std::move(shader), std::move(bindings), {size}, {uint32_t(count)}, l.spread((count + size - 1) / size)};
  d.push.insert(d.push.end(), push.begin(), push.end());
  l.add(std::move(d));
}

uint32_t width_of(uint64_t n) { return n % 4 == 0 ? 4 : n % 2 == 0 ? 2 : 1; }
std::string define(const char* name, uint64_t value) { return describe("#define ", name, " ", value, "\n"); }

void expect_elements(const Op& op, const Value& v) {
  if (stored_type(v) == DType::float64 || size_of(v.dtype) == 2)
    op.fail("elements of type ", name_of(v.dtype), " are not supported here; wanted float32, int32, uint32, uint8 or bool");
  if (uint64_t(v.count()) > most) op.fail("a tensor of ", v.count(), " elements is more than kernels count, 2³¹ − 1");
}
void expect_float32(const Op& op, const Value& v) {
  if (v.dtype != DType::float32) op.fail("it computes in float32, not ", name_of(v.dtype));
  expect_elements(op, v);
}
void expect_words(const Lowering& l, const Op& op) {
  const auto expect = [&](const Value& v, const char* what, size_t i) {
    expect_elements(op, v);
    if (l.stored(v) != v.dtype) op.fail(what, " ", i, " is stored as ", name_of(l.stored(v)), ", but it knows only ", name_of(v.dtype));
  };
  for (size_t i = 0; i < op.in_count(); ++i)
    if (op.has_in(i)) expect(op.in(i), "operand", i);
  for (size_t i = 0; i < op.out_count(); ++i)
    if (op.has_out(i)) expect(op.out(i), "result", i);
}
std::string define_storage(DType storage) { return storage == DType::float32 ? "" : define("NARROW", storage == DType::float16 ? 1 : 2); }

uint32_t word_of(double v, DType dtype) {
  const auto clamped = [&](double least, double most) { return v != v ? 0.0 : std::clamp(std::trunc(v), least, most); };
  switch (dtype) {
    case DType::int32:
      return uint32_t(int32_t(clamped(INT32_MIN, INT32_MAX)));
    case DType::uint32:
      return uint32_t(clamped(0, UINT32_MAX));
    case DType::uint8:
      return uint32_t(clamped(0, UINT8_MAX));
    case DType::boolean:
      return v != 0;
    default:
      return std::bit_cast<uint32_t>(float(v));
  }
}

std::vector<int> default_order(size_t rank) {
  std::vector<int> order;
  for (size_t a = 0; a < rank; ++a)
    if (rank < 3 || a != 1) order.push_back(int(a));
  if (rank >= 3) order.push_back(1);
  return order;
}

Along::Along(const Shape& shape, size_t axis) : length(uint64_t(shape.at(axis))) {
  bool inside = false;
  for (int a : default_order(shape.size())) {
    if (size_t(a) == axis)
      inside = true;
    else
      (inside ? inner : outer) *= uint64_t(shape[size_t(a)]);
  }
}

}  // namespace lamina::vulkan
