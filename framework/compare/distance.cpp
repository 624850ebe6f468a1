#include "compare/distance.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/shape.hpp"

namespace lamina::compare {
namespace {

template <class T>
std::vector<double> read(const void* data, size_t count) {
  std::vector<double> values(count);
  for (size_t i = 0; i < count; ++i) {
    T element;
    std::memcpy(&element, static_cast<const char*>(data) + i * sizeof element, sizeof element);
    values[i] = double(element);
  }
  return values;
}

}  // namespace

std::vector<double> numbers(const graph::TensorType& type, const void* data) {
  const size_t count = size_t(checked_count(type.shape));
  switch (type.dtype) {
    case DType::float32:
      return read<float>(data, count);
    case DType::float64:
      return read<double>(data, count);
    case DType::int32:
      return read<int32_t>(data, count);
    case DType::uint32:
      return read<uint32_t>(data, count);
    case DType::uint8:
    case DType::boolean:
      return read<uint8_t>(data, count);
    default:
      throw Error(std::string("tensors of type ") + name_of(type.dtype) + " are not compared");
  }
}

double largest_distance(const std::vector<double>& values, const std::vector<double>& truth, double least) {
  constexpr double far = std::numeric_limits<double>::infinity();
  if (values.size() != truth.size()) return far;
  double largest = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double v = values[i], t = truth[i];
    if (v == t || (std::isnan(v) && std::isnan(t))) continue;
    if (!std::isfinite(v) || !std::isfinite(t)) return far;
    largest = std::max(largest, std::fabs(v - t) / std::max(least, std::fabs(t)));
  }
  return largest;
}

}  // namespace lamina::compare
