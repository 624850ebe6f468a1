// Narrow storage of float32: NARROW 1 is float16 (IEEE 754 binary16), 2 is bfloat16. Two numbers in a word, the first in its lower half; to the
// nearest, ties to even; NaN stays NaN.
#if NARROW == 1
vec2 widened(uint word) { return unpackHalf2x16(word); }
uint narrowed(vec2 v) { return packHalf2x16(v); }
#else
vec2 widened(uint word) { return uintBitsToFloat(uvec2(word << 16, word & 0xffff0000u)); }
uint narrowed(vec2 v) {
  const uvec2 bits = floatBitsToUint(v), rounded = bits + 0x7fffu + (bits >> 16 & 1u);
  const bvec2 nan = greaterThan(bits & 0x7fffffffu, uvec2(0x7f800000u));
  const uvec2 upper = mix(rounded, bits | 0x400000u, nan) >> 16;
  return upper.x | upper.y << 16;
}
#endif
vec4 widened(uvec2 words) { return vec4(widened(words.x), widened(words.y)); }
uvec2 narrowed(vec4 v) { return uvec2(narrowed(v.xy), narrowed(v.zw)); }
// The bits of element number `at` of a row, whose word this is.
uint widened_bits(uint word, uint at) { return floatBitsToUint(at % 2 == 0 ? widened(word).x : widened(word).y); }
