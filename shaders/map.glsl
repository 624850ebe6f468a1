// What generated maps stand on: four elements per invocation, one in each lane of a vector.
#define WIDTH 4
#include "items.glsl"
#include "bytes.glsl"
#include "divide.glsl"
#include "functions.glsl"
#include "philox.glsl"

const uvec4 lane = uvec4(0, 1, 2, 3);

uvec4 unpack(uint word) { return (uvec4(word) >> (lane * 8)) & 255u; }
uint pack(uvec4 bytes) {
  const uvec4 at = bytes << (lane * 8);
  return at.x | at.y | at.z | at.w;
}
