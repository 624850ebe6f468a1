// Backends held to each other: distances, the self-test of devices.
#include <doctest/doctest.h>

#include <cmath>

#include "compare/benchmark.hpp"
#include "compare/comparison.hpp"
#include "compare/distance.hpp"
#include "compare/self_test.hpp"
#include "program/devices.hpp"
#include "support/plugins.hpp"
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

namespace {

/// The small experiment on each backend; not with adam, which would make steps out of the rounding errors of c1/bias, whose gradient is 0.
std::vector<Experiment> on(const SmallRuns& runs, const std::vector<std::string>& backends) {
  std::vector<Experiment> all;
  for (auto& backend : backends)
    all.push_back(runs.load({"backend.type=" + backend, R"(optimizer={"type": "momentum", "learning_rate": 0.01})"}));
  return all;
}

}  // namespace

TEST_CASE("backends agree on outputs, gradients and parameters of every layer, from the same weights and batches") {
  const SmallRuns runs(R"({"type": "cpu"})");
  const Comparison c = compare_backends(on(runs, {"reference", "cpu"}), all_plugins(), {12, 1e-4, false});
  CHECK(c.within(1e-4));
  REQUIRE(c.backends.size() == 2);
  CHECK(c.backends[0].precision == "float64");
  CHECK(c.backends[1].precision == "float32");
  CHECK(c.backends[1].losses.size() == 12);
  CHECK(std::abs(c.backends[0].losses[11] - c.backends[1].losses[11]) < 1e-4);
  CHECK(c.backends[0].losses[11] < c.backends[0].losses[0]);
  CHECK(c.layers.size() == 7);
  const Pass &forward = c.passes[0], &gradient = c.passes[1], &parameters = c.passes[2];
  REQUIRE(forward.tensors.size() == 8);
  CHECK(forward.tensors[0].tensor == "c1");
  CHECK(forward.tensors[7].tensor == "loss");
  REQUIRE(gradient.tensors.size() == 6);  // from the last layer to the first
  CHECK(gradient.tensors[0].layer == "logits");
  CHECK(gradient.tensors[5].layer == "c1");
  CHECK(parameters.tensors.size() == 8);  // running mean and variance too
  CHECK(parameters.of_layer("batch_norm_1", 0).value() > 0);
  CHECK(!parameters.of_layer("relu_1", 0));
  CHECK(forward.of_layer("c1", 0).value() > 0);  // float32 is not float64
  REQUIRE(c.times.size() >= 7);
  CHECK(c.times[0].seconds[0].value() > 0);

  const Comparison strict = compare_backends(on(runs, {"reference", "cpu"}), all_plugins(), {1, 1e-12, false});
  CHECK(!strict.within(1e-12));
  REQUIRE(strict.passes[0].first_over(0, 1e-12));
  CHECK(strict.passes[0].first_over(0, 1e-12)->layer == "c1");
  CHECK(strict.passes[1].first_over(0, 1e-12)->layer == "logits");
}

TEST_CASE("differences grow where each backend goes on from its own weights") {
  const SmallRuns runs(R"({"type": "cpu"})");
  const auto distance = [&](bool drift) {
    const Comparison c = compare_backends(on(runs, {"reference", "cpu"}), all_plugins(), {12, 1e-4, drift});
    return c.passes[2].of_layer("logits", 0).value();
  };
  CHECK(distance(true) > 2 * distance(false));
}

TEST_CASE("a backend agrees with itself to the bit") {
  const SmallRuns runs(R"({"type": "cpu", "threads": 1})");
  CHECK(compare_backends(on(runs, {"cpu", "cpu"}), all_plugins(), {3, 0, true}).within(0));
}

TEST_CASE("a benchmark times whole steps and layers, beyond the end of an epoch") {
  const SmallRuns runs(R"({"type": "cpu", "threads": 1})");
  const Benchmark b = benchmark(runs.load(), all_plugins(), 21, 2);
  CHECK(b.batch == 8);
  CHECK(b.fastest > 0);
  CHECK(b.median >= b.fastest);
  CHECK(b.first_step > b.fastest);
  CHECK(b.samples_per_second() == doctest::Approx(8 / b.median));
  REQUIRE(b.layers.size() >= 7);
  CHECK(b.layers[0].path == "c1");
  double layers = 0, ops = 0;
  for (auto& l : b.layers) layers += l.seconds;
  for (auto& op : b.ops) ops += op.seconds;
  CHECK(layers == doctest::Approx(ops));
}
