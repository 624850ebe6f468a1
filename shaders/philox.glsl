// Words of a random stream, as lamina/philox.hpp counts them: Philox4x32 with 10 rounds (Salmon, Moraes, Dror & Shaw, SC'11).
#include "vector.glsl"

struct Blocks {
  Word a, b, c, d;
};
// stream: key 0, key 1, step, micro-batch.
Blocks random_blocks(Word number, uvec4 stream) {
  Word a = number, b = Word(0), c = Word(stream.z), d = Word(stream.w);
  uvec2 key = stream.xy;
  for (int round = 0; round < 10; ++round) {
    Word high_a, low_a, high_c, low_c;
    umulExtended(a, Word(0xD2511F53u), high_a, low_a);
    umulExtended(c, Word(0xCD9E8D57u), high_c, low_c);
    a = high_c ^ b ^ key.x, b = low_c, c = high_a ^ d ^ key.y, d = low_a;
    key += uvec2(0x9E3779B9u, 0xBB67AE85u);
  }
  return Blocks(a, b, c, d);
}
Word word_of(Blocks blocks, uint number) {
  return number < 2 ? (number == 0 ? blocks.a : blocks.b) : (number == 2 ? blocks.c : blocks.d);
}
// The words of elements e < 2³¹. Elements 16 apart share a block.
Word random_words(Word e, uvec4 stream) {
  const Blocks x = random_blocks(((e >> 6u) << 4u) + (e & 15u), stream);
  const Word number = (e >> 4u) & 3u;
  return mix(mix(x.a, x.b, same(number, Word(1))), mix(x.c, x.d, same(number, Word(3))), above(number, Word(1)));
}
