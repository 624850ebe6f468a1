#include "prove/arrays.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <lamina/philox.hpp>
#include <limits>
#include <stdexcept>

namespace lamina::prove {
namespace {

template <class Body>
void with_type(DType dtype, Body body) {
  switch (dtype) {
    case DType::float32:
      return body(float());
    case DType::float64:
      return body(double());
    case DType::int32:
      return body(int32_t());
    case DType::uint32:
      return body(uint32_t());
    case DType::uint8:
    case DType::boolean:
      return body(uint8_t());
    default:
      throw std::runtime_error("tests do not read 16-bit tensors");
  }
}

}  // namespace

std::vector<std::byte> to_bytes(const Array& array) {
  std::vector<std::byte> bytes(array.data.size() * size_of(array.dtype));
  with_type(array.dtype, [&](auto zero) {
    for (size_t i = 0; i < array.data.size(); ++i) {
      const auto element = decltype(zero)(array.data[i]);
      std::memcpy(bytes.data() + i * sizeof element, &element, sizeof element);
    }
  });
  return bytes;
}
Array from_bytes(DType dtype, const Shape& shape, const std::byte* bytes) {
  size_t count = 1;
  for (auto d : shape) count *= size_t(d);
  Array array{dtype, shape, std::vector<double>(count)};
  with_type(dtype, [&](auto element) {
    for (size_t i = 0; i < count; ++i) {
      std::memcpy(&element, bytes + i * sizeof element, sizeof element);
      array.data[i] = double(element);
    }
  });
  return array;
}

Random::Random(const std::string& name) : state_(stream_key(name)) {}
uint64_t Random::bits() {
  uint64_t z = state_ += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}
double Random::uniform(double least, double most) { return least + (most - least) * double(bits() >> 11) * 0x1p-53; }
int64_t Random::whole(int64_t least, int64_t most) { return least + int64_t(bits() % uint64_t(most - least + 1)); }

double distance(const Array& y, const Array& reference, std::string& why) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (y.shape != reference.shape) {
    why = describe("shape ", y.shape, " instead of ", reference.shape);
    return infinity;
  }
  double largest = 1, difference = 0;
  for (size_t i = 0; i < y.data.size(); ++i) {
    const double a = y.data[i], b = reference.data[i];
    if (std::isfinite(b)) largest = std::max(largest, std::abs(b));
    if (std::isfinite(a) && std::isfinite(b)) {
      difference = std::max(difference, std::abs(a - b));
    } else if (std::isnan(a) != std::isnan(b) || (!std::isnan(a) && a != b)) {
      why = describe("element ", i, " is ", a, " instead of ", b);
      return infinity;
    }
  }
  return difference / largest;
}

}  // namespace lamina::prove
