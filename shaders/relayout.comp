// Between two layouts whose digits do not divide each other: an element's place in the result gives its row-major number, and that its place
// in the source. An item is a word of the result, so PARTS elements (1, 2 or 4), of which those behind `elements` are not looked at.
//   binding 0: from uint[], read · binding 1: to uint[], written · binding 2: the digits of the result, innermost first, with their weights,
//   then those of the source, by rising weight, with their strides, read
// Push constants: items, elements, digits of the result, of the source. Grid: items.glsl.
#include "items.glsl"
#include "divide.glsl"
#include "bytes.glsl"

struct Digit {
  Divisor size;
  uint unit;
};
layout(push_constant) uniform Push { uint count, elements, to_digits, from_digits; };
layout(set = 0, binding = 0) readonly buffer From { uint from[]; };
layout(set = 0, binding = 1) writeonly buffer To { uint to[]; };
layout(set = 0, binding = 2) readonly buffer Digits { Digit digits[]; };

uint source_of(uint element) {
  uint number = 0, source = 0;
  for (uint i = 0; i < to_digits; ++i) number += take_digit(element, digits[i].size) * digits[i].unit;
  for (uint i = to_digits; i < to_digits + from_digits; ++i) source += take_digit(number, digits[i].size) * digits[i].unit;
  return source;
}

void main() {
  const uint item = item_number();
  if (item >= count) return;
  uint word = 0;
  for (uint k = 0; k < PARTS && item * PARTS + k < elements; ++k) {
    const uint source = source_of(item * PARTS + k);
    word |= part_of(from[source / PARTS], source, PARTS) << (32 / PARTS * k);
  }
  to[item] = word;
}
