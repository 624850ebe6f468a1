// Random programs: fusion, in-place updates and shared memory change no number.
#include <doctest/doctest.h>

#include <chrono>

#include "support/plugins.hpp"
#include "support/memory_check.hpp"
#include "support/random_program.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

/// Outputs and, as "path", all states after three steps.
std::vector<Array> three_steps(const Backend& backend, const std::string& seed, int ops, bool steep, const program::CompileOptions& options,
                               size_t* lowered_ops = nullptr) {
  auto session = backend.open();
  Recording r(session->real());
  record_random_program(r, seed, ops, steep);
  Steps steps(*session, r, options);
  const std::string fault = memory_fault(steps.lowered());
  CHECK_MESSAGE(fault.empty(), backend.text(), ", ", seed, ": ", fault);
  if (lowered_ops) *lowered_ops += steps.lowered().ops.size();
  write_states(*session, seed);
  std::vector<Array> all;
  for (int k = 1; k <= 3; ++k) {
    program::Moment moment;
    moment.learning_rate = 0.5 / k, moment.update = k;
    for (auto& [name, array] : steps.run(random_inputs(seed + std::to_string(k)), moment)) all.push_back(array);
  }
  for (auto& s : session->state()) all.push_back(read(*session, s.path));
  return all;
}
void compare(const std::string& what, const std::vector<Array>& a, const std::vector<Array>& b, double limit) {
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    std::string why;
    const double off = distance(a[i], b[i], why);
    CHECK_MESSAGE(off <= limit, what, ": array ", i, " is off by ", off, "; ", why);
  }
}

}  // namespace

TEST_CASE("fused programs compute what unfused ones do, in memory that nothing overwrites too early") {
  size_t fused_ops = 0, unfused_ops = 0;
  for (int k = 0; k < 60; ++k) {
    const std::string seed = "program " + std::to_string(k);
    const int ops = k < 40 ? 20 + 3 * k : 300;
    const std::vector<Array> fused = three_steps(reference64, seed, ops, true, {}, &fused_ops);
    compare(seed, fused, three_steps(reference64, seed, ops, true, {.fusion = false}, &unfused_ops), 0);
    compare(seed + " decomposed", fused, three_steps(reference64, seed, ops, true, {.composites = false}), 1e-9);
  }
  CHECK(fused_ops * 2 < unfused_ops);
  MESSAGE("fusion made ", fused_ops, " ops of ", unfused_ops);
}

TEST_CASE("backends agree with the reference on random programs") {
  std::vector<std::string> left_out;
  for (auto& b : backends_under_test(left_out))
    for (int k = 0; k < 30; ++k) {
      const std::string seed = "backend program " + std::to_string(k);
      try {
        compare(b.text() + ", " + seed, three_steps(b, seed, 30 + 4 * k, false, {}), three_steps(reference64, seed, 30 + 4 * k, false, {}),
                1e-4);
      } catch (const std::exception& e) {
        FAIL_CHECK(b.text(), ", ", seed, ": ", std::string(e.what()));
      }
    }
}

TEST_CASE("fifty thousand nodes are planned in seconds") {
  auto session = reference64.open();
  Recording r(session->real());
  Tensor x = r.parameter("w", {3, 3});
  Tensors kept;
  while (r.graph->nodes.size() < 50000) {
    for (int k = 0; k < 20; ++k) x = tanh(x * 0.5 + (kept.size() > 50 ? kept[kept.size() - 50] : x));
    x = matmul(x, x);
    kept.push_back(x);
  }
  r.fetch("y", x);
  const auto begin = std::chrono::steady_clock::now();
  const Steps steps(*session, r);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  CHECK(memory_fault(steps.lowered()).empty());
  CHECK_MESSAGE(seconds < 5, "planning took ", seconds, " s");
  MESSAGE("50000 nodes, ", steps.lowered().ops.size(), " ops, planned and compiled in ", seconds, " s");
}
