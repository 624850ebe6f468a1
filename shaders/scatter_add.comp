// v added at indices that are data, in their order: every sum has one writer. Indices outside are skipped.
//   binding 0: v [outer, indices, inner] in vectors of WIDTH elements of TYPE (Real or Word), read · binding 1: int [indices], read ·
//   binding 2: y [outer, length, inner], in vectors
// COLUMNS: an item per (outer, inner) walks all indices and adds to y, which is zeros; else an item per element of y looks for the indices
// that name it. Both give the same bits. Push constants: items, inner in vectors, length, number of indices. Grid: items.glsl.
#include "items.glsl"
#include "divide.glsl"
#include "vector.glsl"

layout(push_constant) uniform Push {
  uint count;
  Divisor inner, length;
  uint index_count;
};
layout(set = 0, binding = 0) readonly buffer V { TYPE v[]; };
layout(set = 0, binding = 1) readonly buffer Indices { int indices[]; };
#ifdef COLUMNS
layout(set = 0, binding = 2) buffer Y { TYPE y[]; };
#else
layout(set = 0, binding = 2) writeonly buffer Y { TYPE y[]; };
#endif

void main() {
  const uint item = item_number();
  if (item >= count) return;
  uint outer = item;
  const uint r = take_digit(outer, inner);
#ifdef COLUMNS
  const uint first = outer * length.by * inner.by + r;
  for (uint i = 0; i < index_count; ++i) {
    const uint k = uint(indices[i]);
    if (k < length.by) y[first + k * inner.by] += v[(outer * index_count + i) * inner.by + r];
  }
#else
  const uint k = take_digit(outer, length);
  TYPE sum = TYPE(0);
  for (uint i = 0; i < index_count; ++i)
    if (uint(indices[i]) == k) sum += v[(outer * index_count + i) * inner.by + r];
  y[item] = sum;
#endif
}
