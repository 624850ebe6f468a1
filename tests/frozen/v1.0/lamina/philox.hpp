/// Counter-based random numbers: a pure function of key and counter, so every backend makes the same bits.
/// Source: Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11; Philox4x32 with 10 rounds.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace lamina {

using PhiloxBlock = std::array<uint32_t, 4>;

inline PhiloxBlock philox(PhiloxBlock counter, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t(0xD2511F53u) * counter[0], b = uint64_t(0xCD9E8D57u) * counter[2];
    counter = {uint32_t(b >> 32) ^ counter[1] ^ key0, uint32_t(b), uint32_t(a >> 32) ^ counter[3] ^ key1, uint32_t(a)};
    key0 += 0x9E3779B9u, key1 += 0xBB67AE85u;
  }
  return counter;
}

/// The random stream of one op in one step: key (seed, hash of the stream's name), counter (block, step, micro-batch).
struct RandomStream {
  uint32_t key0, key1, step, micro_batch;

  /// `key` is stream_key(name). Blocks are counted below 2^32, steps below 2^32, so a stream never repeats within a run.
  static RandomStream of(uint64_t seed, uint64_t key, uint64_t step, uint64_t micro_batch) {
    const uint64_t mixed = seed ^ key;
    return {uint32_t(mixed), uint32_t(mixed >> 32), uint32_t(step), uint32_t(micro_batch) ^ (uint32_t(step >> 32) << 16)};
  }
  PhiloxBlock block(uint64_t index) const { return philox({uint32_t(index), uint32_t(index >> 32), step, micro_batch}, key0, key1); }
  /// The word of element e: word (e / 16) mod 4 of block 16 · (e / 64) + e mod 16, so a vector unit of 16 lanes uses all four words.
  uint32_t word(uint64_t e) const { return block(16 * (e / 64) + e % 16)[(e / 16) % 4]; }
};

/// FNV-1a over the stream's name, then mixed, so that similar names give unrelated keys.
constexpr uint64_t stream_key(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (char c : name) hash = (hash ^ uint8_t(c)) * 0x100000001b3u;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
  return hash ^ (hash >> 31);
}

}  // namespace lamina
