// Rows of `length` elements, copied with zeros behind each up to a multiple of 4. An item is a vec4 of the copy. With WINDOWS a row is a
// position of an image's last axis, and its elements are what a kernel sees from there: (tap, channel), zeros outside of the image.
//   binding 0: [rows, length] or, with WINDOWS, [lines, width, channels], in vectors of WIDTH (1 or 2, divides length or channels), read;
//   with FROM_NARROW (NARROW of narrow.glsl) and WIDTH 1 of 16 bits each
//   binding 1: vec4 [rows, ⌈length / 4⌉] or, with WINDOWS, [lines, positions, ⌈length / 4⌉], written
// Push constants: items, ⌈length / 4⌉, length; with WINDOWS positions, channels, width, stride, padding in front, dilation. Grid: items.glsl.
#include "items.glsl"
#include "divide.glsl"
#include "vector.glsl"

layout(push_constant) uniform Push {
  uint count;
  Divisor vectors;
  uint length;
#ifdef WINDOWS
  Divisor positions, channels;
  int width, stride, low, dilation;
#endif
};
#ifdef FROM_NARROW
#include "narrow.glsl"
layout(set = 0, binding = 0) readonly buffer From { uint from[]; };
Real read(uint at) { return uintBitsToFloat(widened_bits(from[at / 2], at)); }
#else
layout(set = 0, binding = 0) readonly buffer From { Real from[]; };
Real read(uint at) { return from[at / WIDTH]; }
#endif
layout(set = 0, binding = 1) writeonly buffer To { vec4 to[]; };

void main() {
  const uint item = item_number();
  if (item >= count) return;
  uint row = item;
  const uint first = take_digit(row, vectors) * 4;
#ifdef WINDOWS
  uint line = row;
  const int left = int(take_digit(line, positions)) * stride - low;
#endif
  Real part[4 / WIDTH];
  for (uint i = 0; i < 4 / WIDTH; ++i) {
    const uint element = first + i * WIDTH;
    bool inside = element < length;
#ifdef WINDOWS
    uint tap = element;
    const uint channel = take_digit(tap, channels);
    const int x = left + int(tap) * dilation;
    inside = inside && uint(x) < uint(width);
    const uint at = (line * width + x) * channels.by + channel;
#else
    const uint at = row * length + element;
#endif
    part[i] = Real(0);
    if (inside) part[i] = read(at);
  }
#if WIDTH == 2
  to[item] = vec4(part[0], part[1]);
#else
  to[item] = vec4(part[0], part[1], part[2], part[3]);
#endif
}
