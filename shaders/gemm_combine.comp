// Sums the splits of a product, in order. An item is WIDTH neighbouring elements.
//   binding 0: [splits, items] in vectors, read · binding 1: [items], written
// Push constants: items, splits. Grid: items.glsl.
#include "items.glsl"
#include "vector.glsl"

layout(push_constant) uniform Push { uint count, splits; };
layout(set = 0, binding = 0) readonly buffer From { Real from[]; };
layout(set = 0, binding = 1) writeonly buffer To { Real to[]; };

void main() {
  const uint item = item_number();
  if (item >= count) return;
  Real sum = from[item];
  for (uint s = 1; s < splits; ++s) sum += from[s * count + item];
  to[item] = sum;
}
