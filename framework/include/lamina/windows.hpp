/// What layers that look at x through windows share: pools, unpool, locally connected ones.
#pragma once
#include "layer.hpp"

namespace lamina {

/// Where the elements of windows stand along one axis of x: int32 [places, size], some of them outside.
inline Tensor window_positions(Scope& s, int64_t places, int64_t size, int64_t stride, int64_t dilation, int64_t low) {
  const auto count = [&](int axis) {
    return s.emit("iota", {}, {{"shape", Shape{places, size}}, {"axis", axis}, {"dtype", DType::int32}})[0];
  };
  return count(0) * stride + count(1) * dilation - low;
}

/// The settings of a pool.
struct Pool {
  PerAxis size;
  std::optional<PerAxis> stride;
  Padding padding;
  bool ceil = false;

  void declare(Declaration& d, const char* what_padding_is) {
    d.required("size", size, "[1, 65536]", "size of the window along each spatial axis");
    d.optional("stride", stride, "[1, 65536]", "step of the window; absent: its size, so that windows do not overlap");
    d.optional("padding", padding, "[0, 65536]", what_padding_is);
    d.optional("ceil", ceil, "whether a last window that reaches beyond x and its padding counts, if it begins inside");
    d.input("x", "[batch, channels, (depth, height,) width]");
    d.result("y", "[batch, channels, (depth, height,) width]");
  }

  /// The windows over an x. `beyond`: how far the last one reaches out of the padding above, with `ceil`.
  struct Windows {
    Shape size, stride, dilation, low, high, places, beyond;
    Window over() const {
      Window w{stride, low, high};
      for (size_t a = 0; a < high.size(); ++a) w.padding_high[a] += beyond[a];
      return w;
    }
  };
  Windows windows(const Tensor& x, const PerAxis& dilation = 1) const {
    const Shape in = spatial(x);
    const int64_t axes = int64_t(in.size());
    Windows w{size.at(axes), stride.value_or(size).at(axes), dilation.at(axes), {}, {}, Shape(in.size()), Shape(in.size(), 0)};
    const auto sides = padding.at(in, w.size, w.stride, w.dilation);
    w.low = sides.low, w.high = sides.high;
    for (size_t a = 0; a < in.size(); ++a) {
      const int64_t reach = (w.size[a] - 1) * w.dilation[a] + 1, padded = in[a] + w.low[a] + w.high[a];
      if (w.low[a] >= reach || w.high[a] >= reach)
        throw Error(describe("padding ", w.low[a], " + ", w.high[a], " must be smaller than the window, which is ", reach,
                             " along spatial axis ", a),
                    "padding");
      if (reach > padded)
        throw Error(describe("a window of ", reach, " does not fit into spatial axis ", a, " of size ", in[a], " with padding ", w.low[a],
                             " + ", w.high[a]));
      w.places[a] = (padded - reach) / w.stride[a] + 1;
      const int64_t next = w.places[a] * w.stride[a];  // where another window would begin
      if (ceil && next + reach - w.stride[a] < padded && next < in[a] + w.low[a]) ++w.places[a], w.beyond[a] = next + reach - padded;
    }
    return w;
  }

  /// The largest of each window, as max_pool gives it, and its int32 position.
  static std::pair<Tensor, Tensor> largest(const Tensor& x, const Windows& w) {
    if (w.dilation == Shape(w.size.size(), 1)) return max_pool(x, w.size, w.over());
    // The elements of the windows are laid side by side. One that is outside is stood in for by the nearest of its window that is inside.
    Scope& s = *x.scope();
    const Shape in = spatial(x);
    Tensor laid = x, positions;
    for (size_t a = 0; a < in.size(); ++a) {
      const int64_t apart = w.dilation[a], count = w.places[a] * w.size[a];
      for (int64_t place = 0; place < w.places[a]; ++place) {
        const int64_t begin = place * w.stride[a] - w.low[a], first = begin < 0 ? (apart - -begin % apart) % apart : begin;
        if (first >= in[a] || first > begin + (w.size[a] - 1) * apart)
          throw Error(describe("window ", place, " along spatial axis ", a, " of size ", in[a], " holds padding alone"));
      }
      const auto from_0 = [&](const Tensor& p) { return select(p < 0, p - (p - (apart - 1)) / apart * apart, p); };
      const Tensor raw = reshape(window_positions(s, w.places[a], w.size[a], w.stride[a], apart, w.low[a]), {count});
      const Tensor along = (in[a] - 1) - from_0((in[a] - 1) - from_0(raw));
      laid = gather(laid, along, int(2 + a));
      positions = positions ? reshape(positions, {-1, 1}) * in[a] + along : along;
    }
    const auto [y, at] = max_pool(laid, w.size, {w.size, Shape(in.size(), 0), Shape(in.size(), 0)});
    return {y, gather(reshape(positions, {-1}), at, 0)};
  }
  /// The mean of each window: of its elements inside x or, with count_padding, of those inside x and its padding, as zeros.
  static Tensor mean(const Tensor& x, const Windows& w, bool count_padding) {
    const Shape none(w.size.size(), 0);
    if (!count_padding || w.beyond == none) return average_pool(x, w.size, w.over(), count_padding);
    Shape low = {0, 0}, high = {0, 0};
    low.insert(low.end(), w.low.begin(), w.low.end()), high.insert(high.end(), w.high.begin(), w.high.end());
    return average_pool(record("pad", {x}, {{"low", low}, {"high", high}}), w.size, {w.stride, none, w.beyond});
  }
};

}  // namespace lamina
