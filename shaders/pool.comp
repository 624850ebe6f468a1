// Pools, an item per WIDTH channels of a result's position.
//   `from`: x [batch, in…, channels] · the results that are asked for [batch, out…, channels]: `to` the largest, or with AVERAGE the mean of
//   the elements inside x; binding POSITIONS int, written, where the largest stands in x's spatial volume
// Push constants and grid: pool.glsl, items.glsl. The first of equals wins, and the first NaN before all. Sums in row-major order.
#include "pool.glsl"

#ifdef POSITIONS
layout(set = 0, binding = POSITIONS) writeonly buffer Won { Whole won[]; };
#endif

void main() {
  const uint item = item_number();
  if (item >= count) return;
  const Window window = window_of(item);
#ifdef AVERAGE
  Real sum = Real(0);
#else
  Real best = Real(uintBitsToFloat(0xff800000u));
  Flag lost = Flag(false);  // best is NaN
  Whole at = Whole((window.begin[2] * other[1] + window.begin[1]) * other[0] + window.begin[0]);
#endif
  for (uint d = window.begin[2]; d < window.end[2]; ++d)
    for (uint h = window.begin[1]; h < window.end[1]; ++h)
      for (uint w = window.begin[0]; w < window.end[0]; ++w) {
        const Real v = read(vector_at(window.batch, d, h, w, window.channel));
#ifdef AVERAGE
        sum += v;
#else
        const Flag not_a_number = is_nan(v);
        const Flag wins = either(above(v, best), both(not_a_number, opposite(lost)));
        best = mix(best, v, wins);
        at = mix(at, Whole((d * other[1] + h) * other[0] + w), wins);
        lost = either(lost, not_a_number);
#endif
      }
#ifdef AVERAGE
  write(item, sum / divisor_of(window));
#elif defined(RESULT)
  write(item, best);
#endif
#ifdef POSITIONS
  won[item] = at;
#endif
}
