// Words of a random stream, as lamina/philox.hpp counts them: Philox4x32 with 10 rounds (Salmon, Moraes, Dror & Shaw, SC'11).
#include "vector.glsl"

// The words of elements e; stream: key 0, key 1, step, micro-batch. e < 2³¹.
Word random_words(Word e, uvec4 stream) {
  Word a = ((e >> 6u) << 4u) + (e & 15u), b = Word(0), c = Word(stream.z), d = Word(stream.w);
  uvec2 key = stream.xy;
  for (int round = 0; round < 10; ++round) {
    Word high_a, low_a, high_c, low_c;
    umulExtended(a, Word(0xD2511F53u), high_a, low_a);
    umulExtended(c, Word(0xCD9E8D57u), high_c, low_c);
    a = high_c ^ b ^ key.x, b = low_c, c = high_a ^ d ^ key.y, d = low_a;
    key += uvec2(0x9E3779B9u, 0xBB67AE85u);
  }
  const Word number = (e >> 4u) & 3u;
  return mix(mix(a, b, same(number, Word(1))), mix(c, d, same(number, Word(3))), above(number, Word(1)));
}
