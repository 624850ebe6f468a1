// Gradients of pools, an item per WIDTH channels of a position of x: it gathers from the windows that reach it, in row-major order.
//   `from`: dy [batch, out…, channels] · `to`: dx [batch, in…, channels] · binding POSITIONS, if there is one: int, the winners' positions in
//   x's spatial volume, read
// Without POSITIONS an average's, else a maximum's: dy counts where this position won. Push constants and grid: pool.glsl, items.glsl.
#include "pool.glsl"

#ifdef POSITIONS
layout(set = 0, binding = POSITIONS) readonly buffer Won { Whole won[]; };
#endif

float elements_inside(uint window, int axis) {
  const uint padded = window * stride[axis].by;
  return float(min(padded + size[axis] - low[axis], side[axis].by) - (max(padded, low[axis]) - low[axis]));
}

void main() {
  const uint item = item_number();
  if (item >= count) return;
  uint rest = item, begin[3], end[3];
  const uint channel = take_digit(rest, channels);
  uint position = 0, plane = 1;
  for (int a = 0; a < 3; ++a) {
    const uint digit = take_digit(rest, side[a]), padded = digit + low[a];
    position += digit * plane, plane *= side[a].by;
    begin[a] = padded < size[a] ? 0 : divide(padded - size[a], stride[a]) + 1;
    end[a] = min(divide(padded, stride[a]) + 1, other[a]);
  }
  Real sum = Real(0);
  for (uint d = begin[2]; d < end[2]; ++d)
    for (uint h = begin[1]; h < end[1]; ++h)
      for (uint w = begin[0]; w < end[0]; ++w) {
        const uint at = vector_at(rest, d, h, w, channel);
#ifdef POSITIONS
        sum += mix(Real(0), read(at), same(won[at], Whole(position)));
#else
        sum += read(at) / (count_padding != 0 ? float(size[0] * size[1] * size[2])
                                              : elements_inside(d, 2) * elements_inside(h, 1) * elements_inside(w, 0));
#endif
      }
  write(item, sum);
}
