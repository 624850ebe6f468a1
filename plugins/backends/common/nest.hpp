/// The loops of a map: one order for all operands and results, each with its strides.
#pragma once
#include "layout.hpp"

namespace lamina::backends {

/// A tensor as seen from an iteration space: right-aligned, axes of size 1 repeat.
struct View {
  Shape shape;
  uint64_t token = 0;
};

struct Nest {
  Shape sizes;                 ///< outermost first; neighbours are merged where every view allows
  std::vector<Shape> strides;  ///< per view, one per loop, in elements; 0 repeats
  std::vector<bool> fits;      ///< per view: false where its digits do not divide the others'; it has no strides then
  int64_t count = 1;

  bool is_flat(size_t view) const;    ///< element i of the iteration is element i of the view
  bool is_single(size_t view) const;  ///< the same element everywhere
  /// The view is dense over the innermost loops, p elements in all, and repeats outside: p; else 0.
  int64_t period(size_t view) const;
};

/// The space iterated in the order of `token`, which must be readable through `space`.
Nest make_nest(const Shape& space, uint64_t token, const std::vector<View>& views);

/// The layout of a reduced result: the iteration's order without the reduced axes.
uint64_t reduced_token(const Shape& space, uint64_t token, const Shape& result);

}  // namespace lamina::backends
