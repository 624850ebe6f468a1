// Counts the elements that a plugin's kernel never wrote: those that still hold the word they were filled with before. They become a NaN like
// any other, so that a kernel that passes them on is not taken for one that left them.
//   binding 0: result uint [count] · binding 1: faults uint[], of which words `at` and `at` + 1 are how many there are and the complement of
//   the first one's number
// Push constants: elements, that word, the place in faults. Grid: items.glsl, an item per element.
#include "items.glsl"

layout(push_constant) uniform Push { uint count, untouched, at; };
layout(set = 0, binding = 0) buffer Result { uint result[]; };
layout(set = 0, binding = 1) buffer Faults { uint faults[]; };

void main() {
  const uint i = item_number();
  if (i >= count || result[i] != untouched) return;
  result[i] = 0x7fc00000u;
  atomicAdd(faults[at], 1);
  atomicMax(faults[at + 1], ~i);
}
