// Elements at indices that are data. An item is WIDTH neighbouring words of the result [outer, indices, inner], or with BYTES a word of it,
// four elements, of which those behind `elements` are not looked at. An index outside gives 0.
//   binding 0: x [outer, length, inner], read · binding 1: int [indices], read · binding 2: the result, written; in vectors
// Push constants: items, elements, inner in vectors, number of indices, length. Grid: items.glsl.
#include "items.glsl"
#include "divide.glsl"
#include "vector.glsl"
#include "bytes.glsl"

layout(push_constant) uniform Push {
  uint count, elements;
  Divisor inner, index_count;
  uint length;
};
layout(set = 0, binding = 0) readonly buffer X { Word x[]; };
layout(set = 0, binding = 1) readonly buffer Indices { int indices[]; };
layout(set = 0, binding = 2) writeonly buffer Y { Word y[]; };

bool find(uint element, out uint source) {
  uint outer = element;
  const uint r = take_digit(outer, inner), k = uint(indices[take_digit(outer, index_count)]);
  source = (outer * length + k) * inner.by + r;
  return k < length;
}

void main() {
  const uint item = item_number();
  if (item >= count) return;
  Word found = Word(0);
  uint source;
#ifdef BYTES
  for (uint k = 0; k < 4; ++k)
    if (item * 4 + k < elements && find(item * 4 + k, source)) found |= byte_of(x[source / 4], source) << (8 * k);
#else
  if (find(item, source)) found = x[source];
#endif
  y[item] = found;
}
