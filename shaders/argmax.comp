// Where the largest of a row stands: the first of equals, the first NaN before all. An item per row (o, r) of TYPE elements.
//   binding 0: x [outer, length, inner] of TYPE, or with BYTES bytes, read · binding 1: int [outer, inner], written
// Push constants: rows, inner, length. Grid: items.glsl.
#define WIDTH 1
#include "items.glsl"
#include "divide.glsl"
#include "vector.glsl"
#include "bytes.glsl"

layout(push_constant) uniform Push {
  uint count;
  Divisor inner;
  uint length;
};
layout(set = 0, binding = 0) readonly buffer X { TYPE x[]; };
layout(set = 0, binding = 1) writeonly buffer Y { int y[]; };

TYPE element(uint i) {
#ifdef BYTES
  return byte_of(x[i / 4], i);
#else
  return x[i];
#endif
}
bool is_nan(int v) { return false; }
bool is_nan(uint v) { return false; }

void main() {
  const uint item = item_number();
  if (item >= count) return;
  const uint outer = divide(item, inner);
  uint at = outer * length * inner.by + (item - outer * inner.by), won = 0;
  TYPE best = element(at);
  bool lost = is_nan(best);
  for (uint i = 1; i < length; ++i) {
    at += inner.by;
    const TYPE v = element(at);
    if (!lost && (v > best || is_nan(v))) best = v, won = i, lost = is_nan(v);
  }
  y[item] = int(won);
}
