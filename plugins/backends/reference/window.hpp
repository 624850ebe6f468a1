/// Spatial windows of convolutions and pools, always seen as three axes: missing ones are put in front with size 1.
#pragma once
#include <array>

#include "kernel.hpp"

namespace reference {

using Axes = std::array<int64_t, 3>;

/// Last entries of `list` on three axes, 1 (or `filler`) in front.
inline Axes three(const Shape& list, size_t skip = 0, int64_t filler = 1) {
  Axes axes = {filler, filler, filler};
  const size_t n = list.size() - skip;
  for (size_t i = 0; i < n; ++i) axes[3 - n + i] = list[skip + i];
  return axes;
}
inline int64_t volume(const Axes& a) { return a[0] * a[1] * a[2]; }

struct Range {
  int64_t begin, end;
};

struct Window {
  Axes in, out, size, stride, low, dilation;

  /// Reads stride, padding and dilation of an op from x-like [batch, channels, spatial…] to y-like, and checks y's extents.
  Window(const Op& op, const Shape& x, const Shape& y, const Shape& window, const Shape& dilations) {
    const size_t n = window.size();
    if (n < 1 || n > 3 || x.size() != n + 2 || y.size() != n + 2)
      op.fail("a window ", window, " with the shapes ", x, " and ", y, " is not of one, two or three spatial axes");
    const Shape strides = expect_list(op, "stride", n, 1), lows = expect_list(op, "padding_low", n, 0),
                highs = expect_list(op, "padding_high", n, 0);
    for (size_t a = 0; a < n; ++a) {
      const int64_t span = x[a + 2] + lows[a] + highs[a] - dilations[a] * (window[a] - 1) - 1;
      if (window[a] < 1 || span < 0 || span / strides[a] + 1 != y[a + 2])
        op.fail("a window ", window, " over ", x, " with stride ", strides, " and padding ", lows, " and ", highs, " does not give ", y);
    }
    in = three(x, 2), out = three(y, 2), size = three(window), stride = three(strides), low = three(lows, 0, 0),
    dilation = three(dilations);
  }
  /// Output positions o of an axis whose input position o · stride − low + k · dilation is inside.
  Range outputs(size_t axis, int64_t k) const {
    const int64_t shift = k * dilation[axis] - low[axis];  // input = o · stride + shift
    const int64_t begin = shift >= 0 ? 0 : (-shift + stride[axis] - 1) / stride[axis];
    const int64_t end = in[axis] - shift <= 0 ? 0 : (in[axis] - shift - 1) / stride[axis] + 1;
    return {std::min(begin, out[axis]), std::min(end, out[axis])};
  }
  int64_t input(size_t axis, int64_t o, int64_t k) const { return o * stride[axis] - low[axis] + k * dilation[axis]; }
  /// Input positions inside the window of output o (dilation 1).
  Range inputs(size_t axis, int64_t o) const {
    const int64_t first = o * stride[axis] - low[axis];
    return {std::max<int64_t>(first, 0), std::min(first + size[axis], in[axis])};
  }
};

}  // namespace reference
