// Barriers between commands, and the checker that proves them: each is held to the other's opposite.
#include "../../plugins/backends/vulkan/hazards.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace lamina::vulkan;

namespace {

const VkBuffer first = reinterpret_cast<VkBuffer>(uintptr_t(16)), second = reinterpret_cast<VkBuffer>(uintptr_t(32));

std::vector<Accesses> random_commands(std::mt19937& random, size_t count) {
  std::vector<Accesses> commands(count);
  for (Accesses& c : commands)
    for (size_t i = 0, n = 1 + random() % 4; i < n; ++i) {
      const uint64_t begin = random() % 200;
      c.push_back({random() % 2 ? first : second, begin, begin + 1 + random() % 20, random() % 3 == 0});
    }
  return commands;
}

}  // namespace

TEST_CASE("barriers part every two commands that touch the same bytes") {
  std::mt19937 random(1);
  size_t barriers = 0, needed = 0;
  for (int round = 0; round < 200; ++round) {
    const auto commands = random_commands(random, 30);
    const std::vector<bool> placed = place_barriers(commands);
    CHECK(unguarded_pair(commands, placed) == "");
    CHECK_FALSE(placed[0]);
    for (size_t k = 0; k < placed.size(); ++k) {
      if (!placed[k]) continue;
      auto without = placed;
      without[k] = false;
      ++barriers, needed += unguarded_pair(commands, without) != "";
    }
  }
  CHECK(barriers > 1000);
  CHECK(needed == barriers);  // none is there for nothing
}

TEST_CASE("every kind of conflict is found") {
  const auto conflict = [](bool a, bool b, uint64_t begin, VkBuffer buffer) {
    return unguarded_pair({{{first, 0, 8, a}}, {{buffer, begin, begin + 8, b}}}, {false, false}) != "";
  };
  CHECK(conflict(true, false, 4, first));         // read after write
  CHECK(conflict(false, true, 4, first));         // write after read
  CHECK(conflict(true, true, 4, first));          // write after write, which the validation layers do not see
  CHECK_FALSE(conflict(false, false, 4, first));  // two reads
  CHECK_FALSE(conflict(true, true, 8, first));    // neighbours
  CHECK_FALSE(conflict(true, true, 4, second));
}
