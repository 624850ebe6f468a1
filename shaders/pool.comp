// Pools, an item per WIDTH channels of a result's position.
//   binding 0: x float [batch, in…, channels], read · then the results that are asked for [batch, out…, channels], written: with MAX and
//   VALUES the largest, with POSITIONS int, where it stands in x's spatial volume; with AVERAGE the mean of the elements inside x
// Push constants and grid: pool.glsl, items.glsl. The first of equals wins, and the first NaN before all. Sums in row-major order.
#include "pool.glsl"

layout(set = 0, binding = 0) readonly buffer X { Real x[]; };
#if defined(AVERAGE) || defined(VALUES)
layout(set = 0, binding = 1) writeonly buffer Y { Real y[]; };
#endif
#ifdef POSITIONS
layout(set = 0, binding = POSITIONS) writeonly buffer Won { Whole won[]; };
#endif

void main() {
  const uint item = item_number();
  if (item >= count) return;
  uint rest = item;
  const uint channel = take_digit(rest, channels);
  int first[3];
  for (int a = 0; a < 3; ++a) first[a] = int(take_digit(rest, side[a]) * stride[a].by) - int(low[a]);
#ifdef AVERAGE
  Real sum = Real(0);
#else
  Real best = Real(uintBitsToFloat(0xff800000u));
  Flag lost = Flag(false);  // best is NaN
  Whole at = Whole((max(first[2], 0) * int(other[1]) + max(first[1], 0)) * int(other[0]) + max(first[0], 0));
#endif
  // Every window has an element inside x. Positions outside show the nearest one inside, which changes no maximum and no winner.
  for (uint i = 0; i < size[2]; ++i) {
    const int d = clamp(first[2] + int(i), 0, int(other[2]) - 1);
    for (uint j = 0; j < size[1]; ++j) {
      const int h = clamp(first[1] + int(j), 0, int(other[1]) - 1);
      for (uint k = 0; k < size[0]; ++k) {
        const int w = clamp(first[0] + int(k), 0, int(other[0]) - 1);
        const Real v = x[vector_at(rest, d, h, w, channel)];
#ifdef AVERAGE
        const bool inside = d == first[2] + int(i) && h == first[1] + int(j) && w == first[0] + int(k);
        sum += inside ? v : Real(0);
#else
        const Flag not_a_number = is_nan(v);
        const Flag wins = either(above(v, best), both(not_a_number, opposite(lost)));
        best = mix(best, v, wins);
        at = mix(at, Whole((d * int(other[1]) + h) * int(other[0]) + w), wins);
        lost = either(lost, not_a_number);
#endif
      }
    }
  }
#ifdef AVERAGE
  uint inside = 1;
  for (int a = 0; a < 3; ++a)
    inside *= count_padding != 0 ? size[a] : uint(min(first[a] + int(size[a]), int(other[a])) - max(first[a], 0));
  y[item] = sum / float(inside);
#endif
#ifdef VALUES
  y[item] = best;
#endif
#ifdef POSITIONS
  won[item] = at;
#endif
}
