// Sums the splits of a product, in order. An item is WIDTH neighbouring elements; with TO_NARROW four, and the result has 16 bits
// for each (NARROW of narrow.glsl).
//   binding 0: [splits, items] in vectors, read · binding 1: [items], written
// Push constants: items, splits. Grid: items.glsl.
#include "items.glsl"
#include "vector.glsl"

layout(push_constant) uniform Push { uint count, splits; };
layout(set = 0, binding = 0) readonly buffer From { Real from[]; };
#ifdef TO_NARROW
#include "narrow.glsl"
layout(set = 0, binding = 1) writeonly buffer To { uvec2 to[]; };
#else
layout(set = 0, binding = 1) writeonly buffer To { Real to[]; };
#endif

void main() {
  const uint item = item_number();
  if (item >= count) return;
  Real sum = from[item];
  uint s = 1;
  for (; s + 4 <= splits; s += 4) {  // four reads under way at a time
    const Real a = from[s * count + item], b = from[(s + 1) * count + item], c = from[(s + 2) * count + item],
               d = from[(s + 3) * count + item];
    sum = sum + a + b + c + d;
  }
  for (; s < splits; ++s) sum += from[s * count + item];
#ifdef TO_NARROW
  to[item] = narrowed(sum);
#else
  to[item] = sum;
#endif
}
