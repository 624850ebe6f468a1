// Where the largest of a row stands: the first of equals, the first NaN before all. An item per row (o, r).
//   binding 0: x float [outer, length, inner], read · binding 1: int [outer, inner], written
// Push constants: rows, inner, length. Grid: items.glsl.
#define WIDTH 1
#include "items.glsl"
#include "divide.glsl"
#include "vector.glsl"

layout(push_constant) uniform Push {
  uint count;
  Divisor inner;
  uint length;
};
layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) writeonly buffer Y { int y[]; };

void main() {
  const uint item = item_number();
  if (item >= count) return;
  uint outer = item, won = 0;
  const uint r = take_digit(outer, inner), first = outer * length * inner.by + r;
  float best = x[first];
  for (uint i = 1; i < length && !is_nan(best); ++i) {
    const float v = x[first + i * inner.by];
    if (v > best || is_nan(v)) best = v, won = i;
  }
  y[item] = int(won);
}
