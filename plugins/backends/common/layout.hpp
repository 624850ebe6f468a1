/// Physical layouts. A value's row-major element number is a mixed-radix number; a layout is the order in which its digits stand in memory,
/// outermost first. Row-major is one digit; channels-last [N, C, H, W] is (N)(H·W)(C). A digit names its weight in the row-major number and
/// no axis, so every reshape is a view that keeps the layout, and `flatten` moves nothing.
#pragma once
#include <optional>
#include <vector>

#include <lamina/dtype.hpp>

namespace lamina::backends {

struct Digit {
  int64_t size, weight;  ///< weight: how far one count of it moves in row-major order
  auto operator<=>(const Digit&) const = default;
};
using Digits = std::vector<Digit>;  ///< physical order, innermost last

/// The token that stands for a layout at the border; the same digits give the same token. 0 is row-major.
uint64_t token_of(Digits digits);
/// The digits behind a token, for a value of `count` elements.
Digits digits_of(uint64_t token, int64_t count);

/// The axes in physical order, for a value of this shape.
uint64_t token_of_order(const Shape& shape, const std::vector<int>& order);
/// Channels-last from rank 3 on, else row-major.
uint64_t default_token(const Shape& shape);

/// A digit that lies within one axis.
struct AxisDigit {
  int axis;
  int64_t size;
  int64_t weight;  ///< within the axis
  int64_t stride;  ///< in memory, in elements
};
/// The layout seen through a shape, physical order; nothing where a digit crosses an axis boundary that does not divide it.
std::optional<std::vector<AxisDigit>> axis_digits(uint64_t token, const Shape& shape);
/// One stride per axis; nothing where an axis is scattered over several digits. Axes of size 1 have stride 0.
std::optional<Shape> axis_strides(uint64_t token, const Shape& shape);
/// Where each row-major element stands: the strides of the row-major digits after splitting both orders at each other's weights; nothing
/// where they do not divide. Used to move values between two layouts.
struct Move {
  std::vector<int64_t> sizes, from, to;  ///< a loop nest, outermost first; strides in elements
};
std::optional<Move> move_between(uint64_t from, uint64_t to, int64_t count);

}  // namespace lamina::backends
