// Random bits: the generator's published answers, the numbering of elements, and equality of all backends.
#include <doctest/doctest.h>

#include <lamina/philox.hpp>

#include "support/plugins.hpp"
#include "prove/recording.hpp"

using namespace lamina;
using namespace lamina::test;

TEST_CASE("Philox gives the published answers") {  // Random123 1.14, tests/kat_vectors, philox4x32 10
  CHECK(philox({0, 0, 0, 0}, 0, 0) == PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({~0u, ~0u, ~0u, ~0u}, ~0u, ~0u) == PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0) ==
        PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}
TEST_CASE("element e takes word (e / 16) mod 4 of block 16 · (e / 64) + e mod 16") {
  const RandomStream stream = RandomStream::of(5, stream_key("layer/noise"), 3, 1);
  for (uint64_t e : {0, 1, 15, 16, 17, 63, 64, 65, 130, 100000})
    CHECK(stream.word(e) == stream.block(16 * (e / 64) + e % 16)[(e / 16) % 4]);
}
TEST_CASE("elements are counted channels-last, in every precision") {
  for (const char* precision : {"float32", "float64"}) {
    auto session = backend("reference", precision).open();
    Recording r(session->real());
    const auto bits = [&](const Shape& s) { return r.scope.emit("random_bits", {}, {{"shape", s}, {"stream", "noise"}})[0]; };
    r.fetch("image", bits({2, 3, 5, 7})), r.fetch("flat", bits({70, 3})), r.fetch("uniform", r.scope.random_uniform({2, 3, 5, 7}, "noise"));
    Steps steps(*session, r);
    program::Moment moment;
    moment.seed = 9, moment.step = 4, moment.micro_batch = 2;
    auto y = steps.run({}, moment);
    const RandomStream stream = RandomStream::of(9, stream_key("layer/noise"), 4, 2);
    bool image = true, flat = true, uniform = true;
    for (uint64_t b = 0; b < 2; ++b)
      for (uint64_t c = 0; c < 3; ++c)
        for (uint64_t p = 0; p < 35; ++p) {
          const size_t at = (b * 3 + c) * 35 + p;
          const uint32_t word = stream.word((b * 35 + p) * 3 + c);
          image = image && y["image"].data[at] == word;
          uniform = uniform && y["uniform"].data[at] == (word >> 8) * 0x1p-24;
        }
    for (uint64_t e = 0; e < 210; ++e) flat = flat && y["flat"].data[e] == stream.word(e);
    CHECK(image);
    CHECK(flat);
    CHECK(uniform);
    moment.step = 5;
    CHECK(steps.run({}, moment)["image"].data != y["image"].data);
  }
}
