// Every element of a result finds its source: mirrored padding, and whatever moves less than words. An item is a word of the result, so PARTS
// elements (1, 2 or 4), of which those behind `elements` are not looked at.
//   binding 0: from uint[], read · binding 1: to uint[], written (with keep read too) · with TABLE, binding 2: the axes, read
// Push constants: items, elements, first source element, outside (what positions outside show: 0 the fill word's parts, 1 what is there
// already, 2 the mirrored element, 3 the nearest), fill, then AXES axes, innermost first, unless they are in the table. With STEPS the
// source's elements are some positions apart. Grid: items.glsl. Every word has one writer.
#include "items.glsl"
#include "divide.glsl"
#include "bytes.glsl"

struct Axis {
  Divisor size;      // of the result
  uint from;         // stride of the source, modulo 2³²
  uint low, extent;  // where the source begins, and its elements
#ifdef STEPS
  Divisor step;  // positions from one source element to the next
#endif
};
layout(push_constant) uniform Push {
  uint count, elements, from_first, outside, fill;
#ifndef TABLE
  Axis axes[AXES];
#endif
};
layout(set = 0, binding = 0) readonly buffer From { uint from[]; };
layout(set = 0, binding = 1) buffer To { uint to[]; };
#ifdef TABLE
layout(set = 0, binding = 2) readonly buffer Table { Axis axes[]; };
#endif

// False where the element is outside.
bool find(uint element, out uint source) {
  uint rest = element;
  bool inside = true;
  source = from_first;
  for (uint i = 0; i < AXES; ++i) {
    int at = int(take_digit(rest, axes[i].size)) - int(axes[i].low);
    const int last = int(axes[i].extent) - 1;
    if (outside == 2) at = last - abs(last - abs(at));
    if (outside >= 2) at = clamp(at, 0, last);
    inside = inside && at >= 0;
    uint digit = uint(max(at, 0));
#ifdef STEPS
    inside = take_digit(digit, axes[i].step) == 0 && inside;
#endif
    inside = inside && digit <= uint(last);
    source += min(digit, uint(last)) * axes[i].from;
  }
  return inside;
}

void main() {
  const uint item = item_number();
  if (item >= count) return;
  const uint kept = outside == 1 ? to[item] : fill;
  uint source, word = 0;
  for (uint k = 0; k < PARTS; ++k) {
    const uint element = item * PARTS + k;
    const bool found = element < elements && find(element, source);
    word |= (found ? part_of(from[source / PARTS], source, PARTS) : part_of(kept, k, PARTS)) << (32 / PARTS * k);
  }
  to[item] = word;
}
