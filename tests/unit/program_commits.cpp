// State: versions, commits in place and by copy, and the numbers of the step.
#include <doctest/doctest.h>

#include "support/plugins.hpp"
#include "support/memory_check.hpp"
#include "prove/recording.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

State state(Recording& r, const char* name, const Shape& shape, double value = 0) { return r.scope.state(name, shape, value); }
size_t copies(const program::Lowered& p) {
  size_t count = 0;
  for (auto& op : p.ops) count += op.name == "copy" || op.name == "reorder";
  return count;
}
using Numbers = std::vector<double>;

}  // namespace

TEST_CASE("a state is updated in place when every reader of the old version comes before") {
  auto session = reference64.open();
  Recording r;
  State v = state(r, "v", {2});
  v = 0.5 * v + 1.0;
  r.fetch("next", v * 10.0);
  Steps steps(*session, r);
  CHECK(copies(steps.lowered()) == 0);
  CHECK(memory_fault(steps.lowered()) == "");
  write(*session, "v", {4, 8});
  CHECK(steps.run()["next"].data == Numbers{30, 50});
  CHECK(steps.run()["next"].data == Numbers{25, 35});
  CHECK(read(*session, "v").data == Numbers{2.5, 3.5});
}
TEST_CASE("an older version that is read later keeps its numbers") {
  auto session = reference64.open();
  Recording r;
  State v = state(r, "v", {2, 2});
  const Tensor old = v;
  v = matmul(v, v);
  r.fetch("sum", matmul(matmul(v, v), old));  // reads both versions, the old one last
  Steps steps(*session, r);
  CHECK(memory_fault(steps.lowered()) == "");
  write(*session, "v", {2, 0, 0, 3});
  CHECK(steps.run()["sum"].data == Numbers{32, 0, 0, 243});
  CHECK(read(*session, "v").data == Numbers{4, 0, 0, 9});
}
TEST_CASE("two states change places") {
  auto session = reference64.open();
  Recording r;
  State a = state(r, "a", {2}), b = state(r, "b", {2});
  const Tensor was = a;
  a = static_cast<const Tensor&>(b);
  b = was;
  r.fetch("a", a), r.fetch("b", b), r.fetch("was", was);
  Steps steps(*session, r);
  CHECK(memory_fault(steps.lowered()) == "");
  write(*session, "a", {1, 2}), write(*session, "b", {3, 4});
  auto y = steps.run();
  CHECK(y["a"].data == Numbers{3, 4});
  CHECK(y["b"].data == Numbers{1, 2});
  CHECK(y["was"].data == Numbers{1, 2});
  CHECK(read(*session, "a").data == Numbers{3, 4});
  CHECK(read(*session, "b").data == Numbers{1, 2});
}
TEST_CASE("three states move round, and one is computed from what another was") {
  auto session = reference64.open();
  Recording r;
  State a = state(r, "a", {1}), b = state(r, "b", {1}), c = state(r, "c", {1});
  const Tensor a0 = a, b0 = b, c0 = c;
  a = b0, b = c0, c = a0 + 1.0;
  r.fetch("sum", a0 + b0 + c0);
  Steps steps(*session, r);
  CHECK(memory_fault(steps.lowered()) == "");
  write(*session, "a", {1}), write(*session, "b", {10}), write(*session, "c", {100});
  CHECK(steps.run()["sum"].data == Numbers{111});
  CHECK(read(*session, "a").data == Numbers{10});
  CHECK(read(*session, "b").data == Numbers{100});
  CHECK(read(*session, "c").data == Numbers{2});
}
TEST_CASE("one value may become the next version of two states, an input that of one") {
  auto session = reference64.open();
  Recording r;
  State a = state(r, "a", {2}), b = state(r, "b", {2}), c = state(r, "c", {2});
  const Tensor x = r.input("x", {2}, DType::float64), next = x * 2.0 + a;
  a = next, b = next, c = x;
  r.fetch("a0", a);
  Steps steps(*session, r);
  CHECK(memory_fault(steps.lowered()) == "");
  write(*session, "a", {100, 200});
  steps.run({{"x", {DType::float64, {2}, {1, 2}}}});
  CHECK(read(*session, "a").data == Numbers{102, 204});
  CHECK(read(*session, "b").data == Numbers{102, 204});
  CHECK(read(*session, "c").data == Numbers{1, 2});
}
TEST_CASE("an output shows the version that it names") {
  auto session = reference64.open();
  Recording r;
  State v = state(r, "v", {2});
  r.fetch("before", v);
  v = v + 1.0;
  r.fetch("between", v);
  v = v * 2.0;
  r.fetch("after", v);
  Steps steps(*session, r);
  CHECK(memory_fault(steps.lowered()) == "");
  write(*session, "v", {1, 2});
  auto y = steps.run();
  CHECK(y["before"].data == Numbers{1, 2});
  CHECK(y["between"].data == Numbers{2, 3});
  CHECK(y["after"].data == Numbers{4, 6});
}
TEST_CASE("programs of one session share the state that the first one laid out") {
  auto session = reference64.open();
  Recording train;
  State v = state(train, "v", {2});
  v = v + 1.0;
  Steps first(*session, train);
  Recording evaluate;
  evaluate.fetch("v", state(evaluate, "v", {2}) * 1.0);
  Steps second(*session, evaluate);
  first.run(), first.run();
  CHECK(second.run()["v"].data == Numbers{2, 2});
  Recording other;
  other.fetch("u", state(other, "u", {2}) * 1.0);
  CHECK(other.refusal([&] { Steps(*session, other); }).find("'u' is not in the state") != std::string::npos);
  Recording wrong;
  wrong.fetch("v", state(wrong, "v", {3}) * 1.0);
  CHECK(wrong.refusal([&] { Steps(*session, wrong); }).find("float64 [2]") != std::string::npos);
}
TEST_CASE("wrong assignments are refused") {
  Recording r;
  State v = state(r, "v", {2});
  const Tensor old = v;
  CHECK(r.refusal([&] { v = 1.0; }).find("broadcast it") != std::string::npos);
  CHECK(r.refusal([&] { v = r.parameter("w", {3}); }).find("float64 [3]") != std::string::npos);
  v = v + 1.0;
  CHECK(r.refusal([&] { record("assign", {old, old}); }).find("current version") != std::string::npos);
}

TEST_CASE("numbers of the step are computed by the host in float64") {
  const Backend reference32 = backend("reference");
  auto session = reference32.open();
  Recording r(DType::float32);
  const Tensor w = r.parameter("w", {2}), rate = r.number("learning_rate"), step = r.number("step");
  // 1e-9 would vanish beside 1 in float32; on the host it does not.
  r.fetch("y", w * ((1.0 + rate) - 1.0));
  r.fetch("bias", w * (1 - pow(0.999, step)));
  r.fetch("chosen", w * select(step > 2.0, 10.0, floor(rate * 0.0 + 1.5)));
  r.fetch("rank 0", broadcast(rate, {}));
  r.fetch("mean", mean(w) * step);
  Steps steps(*session, r);
  write(*session, "w", {1, 3});
  program::Moment moment;
  for (int k = 1; k <= 3; ++k) {
    moment.learning_rate = 1e-9 * k, moment.update = k;
    auto y = steps.run({}, moment);
    CHECK(y["y"].data[0] == doctest::Approx(1e-9 * k).epsilon(1e-6));
    CHECK(y["bias"].data[1] == doctest::Approx(3 * (1 - std::pow(0.999, k))).epsilon(1e-6));
    CHECK(y["chosen"].data[0] == (k > 2 ? 10 : 1));
    CHECK(y["rank 0"].shape == Shape{});
    CHECK(y["rank 0"].data[0] == doctest::Approx(1e-9 * k));
    CHECK(y["mean"].data[0] == doctest::Approx(2.0 * k));
  }
  for (auto& op : steps.lowered().ops)
    if (op.region)
      for (auto& i : op.region->instructions) CHECK(i.op != "pow");  // nothing of it reached the device
}
TEST_CASE("a lone number as an output is refused with its name") {
  auto session = reference64.open();
  Recording r;
  r.fetch("rate", r.number("learning_rate") * 2.0);
  CHECK(r.refusal([&] { Steps(*session, r); }).find("'rate'") != std::string::npos);
}
