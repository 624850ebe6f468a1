// Backends held to each other: distances, the self-test of devices.
#include <doctest/doctest.h>

#include <cmath>

#include "compare/distance.hpp"
#include "compare/self_test.hpp"
#include "program/devices.hpp"
#include "support/evaluation.hpp"
#include "support/train_bench.hpp"

using namespace lamina;
using namespace lamina::test;
using namespace lamina::compare;

TEST_CASE("a distance is relative to the truth where that is large, and infinite where one is not finite alone") {
  CHECK(largest_distance({1, 2.5, -3}, {1, 2, -3}) == 0.25);
  CHECK(largest_distance({0.5}, {0.25}) == 0.25);
  CHECK(largest_distance({0.5}, {0.25}, 0.01) == 1);
  CHECK(largest_distance({NAN, INFINITY}, {NAN, INFINITY}) == 0);
  CHECK(std::isinf(largest_distance({NAN}, {1})));
  CHECK(std::isinf(largest_distance({1}, {NAN})));
  CHECK(std::isinf(largest_distance({INFINITY}, {-INFINITY})));
  CHECK(std::isinf(largest_distance({1}, {1, 2})));
  const float values[] = {1.5, -2};
  CHECK(numbers({DType::float32, {2}}, values) == std::vector<double>{1.5, -2});
  CHECK_THROWS_AS(numbers({DType::float16, {2}}, values), Error);
}

TEST_CASE("every device of every backend passes the self-test; a backend that cannot run it says why") {
  const Descriptor& truth = all_plugins().find("backend", truth_name);
  for (const std::string& name : plugins().names("backend")) {
    const Descriptor& backend = plugins().find("backend", name);
    const auto devices = program::devices_of(backend);
    for (size_t i = 0; i < devices.size(); ++i) {
      if (!devices[i].available) continue;
      const SelfTest t = self_test(backend, devices.size() > 1 ? std::optional(i) : std::nullopt, truth);
      CHECK_MESSAGE(t.passed(), name, " ", i, ": ", t.distance, " ", t.where, " ", t.failure);
      if (name == truth_name) CHECK(t.distance == 0);
    }
  }
  const SelfTest t = self_test(all_plugins().find("backend", "two_ops"), {}, truth);
  CHECK(!t.passed());
  CHECK_MESSAGE(t.failure.find("backend 'two_ops' does not run op") != std::string::npos, t.failure);
}
