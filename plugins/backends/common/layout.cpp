#include "layout.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>

namespace lamina::backends {

namespace {

/// Layouts live as long as the process: tokens are their addresses.
struct Registry {
  std::mutex mutex;
  std::map<Digits, std::unique_ptr<Digits>> known;
};
Registry& registry() {
  static Registry* r = new Registry;
  return *r;
}

int64_t product(const Shape& shape) { return std::accumulate(shape.begin(), shape.end(), int64_t(1), std::multiplies<>()); }

/// Splits digits so that every cut is a digit's boundary. False where a cut does not divide.
bool split_at(Digits& digits, const std::vector<int64_t>& cuts) {
  for (int64_t cut : cuts)
    for (size_t i = 0; i < digits.size(); ++i) {
      const auto [size, weight] = digits[i];
      if (cut <= weight || cut >= weight * size) continue;
      if (cut % weight || (weight * size) % cut) return false;
      digits[i] = {weight * size / cut, cut};
      digits.insert(digits.begin() + i + 1, {cut / weight, weight});
    }
  return true;
}

}  // namespace

uint64_t token_of(Digits digits) {
  std::erase_if(digits, [](const Digit& d) { return d.size == 1; });
  for (size_t i = 1; i < digits.size();) {
    if (digits[i - 1].weight == digits[i].weight * digits[i].size) {
      digits[i - 1] = {digits[i - 1].size * digits[i].size, digits[i].weight};
      digits.erase(digits.begin() + i);
    } else {
      ++i;
    }
  }
  if (digits.size() <= 1) return 0;
  Registry& r = registry();
  std::lock_guard lock(r.mutex);
  auto& kept = r.known[digits];
  if (!kept) kept = std::make_unique<Digits>(digits);
  return reinterpret_cast<uintptr_t>(kept.get());
}

Digits digits_of(uint64_t token, int64_t count) {
  if (token) return *reinterpret_cast<const Digits*>(uintptr_t(token));
  if (count == 1) return {};
  return {{count, 1}};
}

uint64_t token_of_order(const Shape& shape, const std::vector<int>& order) {
  Shape weights(shape.size(), 1);
  for (size_t a = shape.size(); a-- > 1;) weights[a - 1] = weights[a] * shape[a];
  Digits digits;
  for (int a : order) digits.push_back({shape[a], weights[a]});
  return token_of(digits);
}

uint64_t default_token(const Shape& shape) {
  if (shape.size() < 3) return 0;
  std::vector<int> order = {0};
  for (size_t a = 2; a < shape.size(); ++a) order.push_back(int(a));
  order.push_back(1);
  return token_of_order(shape, order);
}

std::optional<std::vector<AxisDigit>> axis_digits(uint64_t token, const Shape& shape) {
  Shape weights(shape.size(), 1);
  for (size_t a = shape.size(); a-- > 1;) weights[a - 1] = weights[a] * shape[a];
  Digits digits = digits_of(token, product(shape));
  if (!split_at(digits, weights)) return std::nullopt;
  std::vector<AxisDigit> found;
  int64_t stride = product(shape);
  for (const auto& [size, weight] : digits) {
    stride /= size;
    size_t axis = 0;  // the axis whose weights cover this digit
    while (!(weights[axis] <= weight && weight < weights[axis] * shape[axis])) ++axis;
    found.push_back({int(axis), size, weight / weights[axis], stride});
  }
  return found;
}

std::optional<Shape> axis_strides(uint64_t token, const Shape& shape) {
  const auto digits = axis_digits(token, shape);
  if (!digits) return std::nullopt;
  Shape strides(shape.size(), 0), reached(shape.size(), 1);
  for (size_t i = digits->size(); i-- > 0;) {
    const AxisDigit& d = (*digits)[i];
    if (d.weight == 1)
      strides[d.axis] = d.stride;
    else if (d.weight != reached[d.axis] || d.stride != strides[d.axis] * d.weight)
      return std::nullopt;
    reached[d.axis] = d.weight * d.size;
  }
  return strides;
}

std::optional<Move> move_between(uint64_t from, uint64_t to, int64_t count) {
  Digits a = digits_of(from, count), b = digits_of(to, count);
  const auto cuts = [](const Digits& digits) {
    std::vector<int64_t> c;
    for (const auto& d : digits) c.push_back(d.weight);
    return c;
  };
  if (!split_at(a, cuts(b)) || !split_at(b, cuts(a))) return std::nullopt;
  std::map<int64_t, int64_t> from_stride;
  int64_t stride = count;
  for (const auto& d : a) from_stride[d.weight] = stride /= d.size;
  Move move;
  stride = count;
  for (const auto& d : b) {  // loops in the order of the destination
    stride /= d.size;
    const int64_t source = from_stride.at(d.weight);
    if (!move.sizes.empty() && move.to.back() == stride * d.size && move.from.back() == source * d.size) {
      move.sizes.back() *= d.size, move.to.back() = stride, move.from.back() = source;
    } else {
      move.sizes.push_back(d.size), move.from.push_back(source), move.to.push_back(stride);
    }
  }
  return move;
}

}  // namespace lamina::backends
