// Rows of `length` elements, copied with zeros behind each up to a multiple of 4. An item is a vec4 of the copy.
//   binding 0: float [rows, length], read · binding 1: vec4 [rows, ⌈length / 4⌉], written
// Push constants: items, ⌈length / 4⌉, length. Grid: items.glsl.
#include "items.glsl"
#include "divide.glsl"

layout(push_constant) uniform Push {
  uint count;
  Divisor vectors;
  uint length;
};
layout(set = 0, binding = 0) readonly buffer From { float from[]; };
layout(set = 0, binding = 1) writeonly buffer To { vec4 to[]; };

void main() {
  const uint item = item_number();
  if (item >= count) return;
  uint row = item;
  const uint first = take_digit(row, vectors) * 4;
  vec4 v = vec4(0);
  for (uint e = 0; e < 4; ++e)
    if (first + e < length) v[e] = from[row * length + first + e];
  to[item] = v;
}
