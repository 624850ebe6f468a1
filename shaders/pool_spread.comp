// Gradients of pools whose windows do not overlap, an item per WIDTH channels of a window, which writes all its elements. What no window
// holds is not written. Bindings and meaning: pool_gather.comp. Push constants and grid: pool.glsl, items.glsl.
#include "pool.glsl"

#ifdef POSITIONS
layout(set = 0, binding = POSITIONS) readonly buffer Won { Whole won[]; };
#endif

void main() {
  const uint item = item_number();
  if (item >= count) return;
  const Window window = window_of(item);
#ifdef POSITIONS
  const Real share = read(item);
  const Whole winner = won[item];
#else
  const Real share = read(item) / divisor_of(window);
#endif
  for (uint d = window.begin[2]; d < window.end[2]; ++d)
    for (uint h = window.begin[1]; h < window.end[1]; ++h)
      for (uint w = window.begin[0]; w < window.end[0]; ++w) {
#ifdef POSITIONS
        const Real v = mix(Real(0), share, same(winner, Whole((d * other[1] + h) * other[0] + w)));
#else
        const Real v = share;
#endif
        write(vector_at(window.batch, d, h, w, window.channel), v);
      }
}
