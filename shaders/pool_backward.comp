// Gradients of pools, an item per WIDTH channels of a position of x: it gathers from the windows that reach it, in row-major order.
//   binding 0: dy float [batch, out…, channels], read · with POSITIONS, binding 1: int, the winners' positions in x's spatial volume, read ·
//   the last binding: dx [batch, in…, channels], written
// Without POSITIONS an average's, else a maximum's: dy counts where this position won. Push constants and grid: pool.glsl, items.glsl.
#include "pool.glsl"

layout(set = 0, binding = 0) readonly buffer Dy { Real dy[]; };
#ifdef POSITIONS
layout(set = 0, binding = 1) readonly buffer Won { Whole won[]; };
layout(set = 0, binding = 2) writeonly buffer Dx { Real dx[]; };
#else
layout(set = 0, binding = 1) writeonly buffer Dx { Real dx[]; };
#endif

// Of window number `window`, the first that reaches over `at`, both counted with the padding.
bool holds(uint window, uint at, int axis) { return window < other[axis] && at - window * stride[axis].by < size[axis]; }
float elements_inside(uint window, int axis) {
  const int first = int(window * stride[axis].by) - int(low[axis]);
  return float(min(first + int(size[axis]), int(side[axis].by)) - max(first, 0));
}

void main() {
  const uint item = item_number();
  if (item >= count) return;
  uint rest = item, at[3], last[3], reach[3];
  const uint channel = take_digit(rest, channels);
  int position = 0, plane = 1;
  for (int a = 0; a < 3; ++a) {
    const uint digit = take_digit(rest, side[a]);
    position += int(digit) * plane, plane *= int(side[a].by);
    at[a] = digit + low[a];
    last[a] = divide(at[a], stride[a]);
    reach[a] = divide(size[a] + stride[a].by - 1, stride[a]);  // windows that may hold a position
  }
  Real sum = Real(0);
  for (uint i = reach[2]; i-- > 0;) {
    const uint d = last[2] - i;  // below 0 it wraps to a window that is not there
    for (uint j = reach[1]; j-- > 0;) {
      const uint h = last[1] - j;
      for (uint k = reach[0]; k-- > 0;) {
        const uint w = last[0] - k;
        if (!holds(d, at[2], 2) || !holds(h, at[1], 1) || !holds(w, at[0], 0)) continue;
        const uint from = vector_at(rest, d, h, w, channel);
#ifdef POSITIONS
        sum += mix(Real(0), dy[from], same(won[from], Whole(position)));
#else
        sum += dy[from] / (count_padding != 0 ? float(size[0] * size[1] * size[2])
                                              : elements_inside(d, 2) * elements_inside(h, 1) * elements_inside(w, 0));
#endif
      }
    }
  }
  dx[item] = sum;
}
