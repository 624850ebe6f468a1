// Copies a nest of LOOPS loops from one buffer to another, WIDTH words an item.
//   binding 0: from uint[], read · binding 1: to uint[], written, both in vectors of WIDTH words · with TABLE, binding 2: the loops, read
// Push constants: items, first vectors of both sides, then the loops, innermost first, unless they are in the table: extent, strides in
// vectors modulo 2³² (backwards is a large one). Grid: items.glsl. No two items write the same vector.
#include "items.glsl"
#include "divide.glsl"
#include "vector.glsl"

struct Loop {
  Divisor size;
  uint from, to;
};
layout(push_constant) uniform Push {
  uint count, from_first, to_first;
#ifndef TABLE
  Loop loops[LOOPS];
#endif
};
layout(set = 0, binding = 0) readonly buffer From { Word from[]; };
layout(set = 0, binding = 1) writeonly buffer To { Word to[]; };
#ifdef TABLE
layout(set = 0, binding = 2) readonly buffer Table { Loop loops[]; };
#endif

void main() {
  const uint item = item_number();
  if (item >= count) return;
  uint rest = item, source = from_first, target = to_first;
  for (uint i = 0; i < LOOPS; ++i) {
    const uint digit = take_digit(rest, loops[i].size);
    source += digit * loops[i].from;
    target += digit * loops[i].to;
  }
  to[target] = from[source];
}
