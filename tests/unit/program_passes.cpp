// Simplify, legalise and fuse on small programs.
#include <doctest/doctest.h>

#include <algorithm>
#include <lamina/kernel.hpp>

#include "graph/autodiff.hpp"
#include "graph/op.hpp"
#include "program/legalise.hpp"
#include "program/simplify.hpp"
#include "prove/recording.hpp"
#include "support/memory_check.hpp"
#include "support/plugins.hpp"

using namespace lamina;
using namespace lamina::test;
using namespace lamina::program;

namespace {

/// The ops that are left of a recording after simplify, in running order, without parameters and inputs.
std::string simplified(Recording& r) {
  std::vector<graph::ValueId> roots;
  for (auto& o : r.outputs) roots.push_back(o.value);
  simplify(*r.graph, roots);
  std::string names;
  for (auto n : ordered_nodes(*r.graph, roots)) {
    const graph::Node& node = r.graph->nodes[n];
    if (node.op->name == "parameter" || node.op->name == "input" || node.op->name == "scalar") continue;
    names += (names.empty() ? "" : " ") + node.op->name + (node.op->name == "constant" ? "(" + piece(node.real("value")) + ")" : "");
  }
  return names;
}
std::vector<std::string> op_names(const Lowered& p) {
  std::vector<std::string> names;
  for (auto& op : p.ops) names.push_back(op.name);
  return names;
}
std::vector<std::string> instructions(const LoweredOp& op) {
  std::vector<std::string> names;
  for (auto& i : op.region->instructions) names.push_back(i.op);
  return names;
}
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("simplify folds constants and drops what does nothing") {
  Recording r;
  const Tensor x = r.parameter("x", {3, 5});
  const Tensor two = cast(r.tensor(r.id(2.0)), DType::float64);
  r.fetch("a", x * (two * two - 3.0));  // · 1
  r.fetch("b", (x + 0.0) - 0.0);
  r.fetch("c", -(-(x / 1.0)));
  r.fetch("d", reshape(broadcast(sum(x, {}), {3, 5}), {3, 5}));
  r.fetch("e", x * broadcast(r.tensor(r.id(1.0)), {3, 5}));
  r.fetch("f", select(two > 1.0, x, -x));
  r.fetch("g", to_real(stop_gradient(x)));
  CHECK(simplified(r) == "");
}
TEST_CASE("simplify keeps what changes shape or type") {
  Recording r;
  const Tensor x = r.parameter("x", {3});
  r.fetch("a", x * broadcast(r.tensor(r.id(1.0)), {2, 3}));
  CHECK(simplified(r) == "constant(1) broadcast multiply");
  Recording q;
  q.fetch("a", cast(q.parameter("x", {3}), DType::float32));
  CHECK(simplified(q) == "cast");
}
TEST_CASE("simplify unites equal ops, and random bits of one stream") {
  Recording r;
  const Tensor x = r.parameter("x", {3, 5}), y = r.parameter("y", {3, 5});
  r.fetch("a", tanh(x * 2.0) + tanh(x * 2.0));
  r.fetch("b", tanh(y * 2.0));
  CHECK(simplified(r) == "constant(2) multiply tanh add multiply tanh");
  Recording q;
  q.fetch("a", q.scope.random_uniform({7}, "s") + q.scope.random_uniform({7}, "s"));
  q.fetch("b", q.scope.random_uniform({7}, "t"));
  const std::string names = simplified(q);
  size_t draws = 0;
  for (size_t at = 0; (at = names.find("random_bits", at)) != std::string::npos; ++at) ++draws;
  CHECK(draws == 2);
}
TEST_CASE("simplify pulls broadcasts into elementwise ops where the shape stays") {
  Recording r;
  const Tensor x = r.parameter("x", {3, 5}), b = r.parameter("b", {5});
  r.fetch("a", x + broadcast(b, {3, 5}));
  CHECK(simplified(r) == "add");
  Recording q;
  const Tensor c = q.parameter("b", {5});
  q.fetch("a", broadcast(c, {3, 5}) * broadcast(c, {3, 5}));  // one of them gives the result its shape
  CHECK(simplified(q) == "broadcast multiply");
}

struct BareKernel {  // has only a GLSL body
  static constexpr const char* name = "bare";
  static constexpr int inputs = 1, results = 1;
  static constexpr const char* glsl = "void item(uint i) { out0(i, in0(i)); }";
};
struct Shapely {  // the result's shape is no function of the operands
  static constexpr const char* name = "shapely";
  static constexpr int inputs = 1, results = 1;
  template <class T>
  static void cpu(const Work<T>& k) {
    for (int64_t i = k.begin; i < k.end; ++i) k.out(0)[i] = k.in(0)[0] + T(i);
  }
};
TEST_CASE("kernels that differ in the shape of their results are not united") {
  auto session = reference64.open();
  Recording r;
  const Tensor x = r.parameter("x", {1});
  r.fetch("a", run<Shapely>(r.scope, {x}, {{3}}, 3)[0]);
  r.fetch("b", run<Shapely>(r.scope, {x}, {{5}}, 5)[0]);
  Steps steps(*session, r);
  auto y = steps.run();
  CHECK(y["a"].data == std::vector<double>{0, 1, 2});
  CHECK(y["b"].data == std::vector<double>{0, 1, 2, 3, 4});
}
TEST_CASE("what no backend can run is refused with op, layer and backend") {
  auto session = reference64.open();
  Recording r;
  r.fetch("a", run<BareKernel>(r.scope, {r.parameter("x", {3})}, {{3}}, 3)[0]);
  const std::string text = r.refusal([&] { Steps(*session, r); });
  CHECK(text ==
        "'layer': the backend 'reference' does not run its kernel 'bare', which has a body for GLSL and none for CPU float32, CPU float64");
  // The session took nothing from the program that failed.
  Recording again;
  again.fetch("a", again.parameter("z", {2}) + 1.0);
  CHECK(Steps(*session, again).run()["a"].data == std::vector<double>{1, 1});
  CHECK(session->find("x") == -1);
}
TEST_CASE("composites are decomposed in composites, and report what became of them") {
  auto session = reference64.open();
  Recording r;
  const Tensor x = r.parameter("x", {3, 5});
  r.fetch("a", softmax(softmax(x, 1), 1));
  std::vector<graph::ValueId> roots = {r.outputs[0].value};
  const LegaliseReport report = legalise(
      *r.graph, roots, [](const lamina_program_op& op, const lamina_program_value*) { return std::string(op.name) != "softmax"; }, "none");
  CHECK(report.claimed.empty());
  CHECK(report.decomposed == Names{"layer: softmax", "layer: softmax"});
  for (auto n : ordered_nodes(*r.graph, roots)) CHECK(r.graph->nodes[n].op->name != "softmax");
}

TEST_CASE("a program wants no column that nothing reads") {
  auto session = reference64.open();
  Recording r;
  const Tensor x = r.input("x", {3, 5}, DType::float64);
  r.input("unread", {3, 5}, DType::uint8);
  to_real(r.input("forgotten", {3, 5}, DType::float64)) + 1.0;  // what is made of it is not fetched
  r.fetch("y", x * 2.0), r.fetch("z", r.input("itself", {2}, DType::float64));
  CHECK(Steps(*session, r).lowered().feeds == Names{"x", "itself"});
}

TEST_CASE("bias and relu are one region") {
  auto session = reference64.open();
  Recording r;
  const Tensor x = r.parameter("x", {4, 3}), w = r.parameter("w", {3, 5}), b = r.parameter("b", {5});
  r.fetch("y", relu(matmul(x, w) + b));
  const Steps steps(*session, r);
  CHECK(op_names(steps.lowered()) == Names{"matmul", "map"});
  CHECK(instructions(steps.lowered().ops[1]) == Names{"add", "constant", "maximum"});
}
TEST_CASE("a mask lands where it is used, not in memory") {
  auto session = reference64.open();
  Recording r;
  const Tensor x = r.parameter("x", {4, 3}), w = r.parameter("w", {3, 5}), v = r.parameter("v", {5, 2});
  const Tensor hidden = relu(matmul(x, w)), loss = total(square(matmul(hidden, v)));
  const auto g = graph::differentiate(r.handle, r.id(loss), {r.id(w)});
  r.fetch("g", r.tensor(g[0]));
  const Steps steps(*session, r);
  for (auto& v : steps.lowered().values) CHECK(v.type.dtype != DType::boolean);
  CHECK(memory_fault(steps.lowered()) == "");
}
TEST_CASE("a gradient and the sum that closes it are one region") {
  auto session = reference64.open();
  Recording r;
  const Tensor x = r.parameter("x", {4, 3}), w = r.parameter("w", {3, 5}), b = r.parameter("b", {5}), v = r.parameter("v", {5, 2});
  const Tensor loss = total(square(matmul(relu(matmul(x, w) + b), v)));
  const auto g = graph::differentiate(r.handle, r.id(loss), {r.id(w), r.id(b)});
  r.fetch("dw", r.tensor(g[0])), r.fetch("db", r.tensor(g[1]));
  const Steps steps(*session, r);
  bool both = false;
  for (auto& op : steps.lowered().ops)
    if (op.region) {
      bool kept = false, summed = false;
      for (auto& result : op.region->results) kept |= result.reduce == LAMINA_KEEP, summed |= result.reduce == LAMINA_SUM;
      both |= kept && summed;
    }
  CHECK(both);
  CHECK(memory_fault(steps.lowered()) == "");
}
TEST_CASE("a region never reads its own reduction") {
  auto session = reference64.open();
  Recording r;
  const Tensor x = r.parameter("x", {4, 3});
  r.fetch("y", (x - max(x, {1})) / sum(exp(x - max(x, {1})), {1}));
  Steps steps(*session, r);
  CHECK(steps.lowered().ops.size() == 3);
  write(*session, "x", {1, 2, 3, 0, 0, 0, -1, 5, 2, 7, 7, 1});
  CHECK(steps.run()["y"].data[3] == 0);
}
TEST_CASE("the same update of several parameters is one op with segments") {
  auto session = reference64.open();
  Recording r;
  std::vector<Tensor> w;
  Tensor loss;
  for (auto& [name, shape] : std::vector<std::pair<const char*, Shape>>{{"a", {3, 4}}, {"b", {4}}, {"c", {2, 2, 2}}}) {
    w.push_back(r.parameter(name, shape));
    loss = loss ? loss + total(square(w.back())) : total(square(w.back()));
  }
  const auto g = graph::differentiate(r.handle, r.id(loss), {r.id(w[0]), r.id(w[1]), r.id(w[2])});
  const uint32_t update = r.graph->update_rank = uint32_t(r.graph->nodes.size());
  for (size_t i = 0; i < 3; ++i) record("assign", {w[i], w[i] - r.number("learning_rate") * r.tensor(g[i])});
  r.fetch("loss", loss);
  Steps steps(*session, r);
  size_t updates = 0;
  for (auto& op : steps.lowered().ops)
    if (op.region && op.rank >= update) {
      ++updates;
      CHECK(op.region->spaces.size() == 3);
    }
  CHECK(updates == 1);
  CHECK(memory_fault(steps.lowered()) == "");
  for (auto* path : {"a", "b", "c"}) write(*session, path, std::vector<double>(read(*session, path).data.size(), 1.0));
  Moment moment;
  moment.learning_rate = 0.25;
  CHECK(steps.run({}, moment)["loss"].data == std::vector<double>{24});
  for (auto* path : {"a", "b", "c"}) CHECK(read(*session, path).data[1] == 0.5);
}

TEST_CASE("a segment does not overwrite what another one reads") {
  auto session = reference64.open();
  Recording r;
  const Tensor a = r.parameter("a", {2, 2}), b = r.parameter("b", {2, 2}), shared = matmul(a, b);
  r.graph->update_rank = uint32_t(r.graph->nodes.size());
  r.fetch("y", matmul(shared * a, shared * b));
  Steps steps(*session, r);
  CHECK(std::any_of(steps.lowered().ops.begin(), steps.lowered().ops.end(),
                    [](auto& op) { return op.region && op.region->spaces.size() == 2; }));
  write(*session, "a", {1, 2, 3, 4}), write(*session, "b", {1, 0, 0, 1});
  CHECK(steps.run()["y"].data == std::vector<double>{1, 16, 9, 64});
}

TEST_CASE("the memory check finds what it is there for") {
  auto session = reference64.open();
  Recording r;
  const Tensor x = r.parameter("x", {4, 4}), y = matmul(x, x);
  r.fetch("a", matmul(y, matmul(y, x)));
  const Steps steps(*session, r);
  CHECK(memory_fault(steps.lowered()) == "");
  Lowered broken;
  broken.values = steps.lowered().values, broken.state_values = steps.lowered().state_values,
  broken.arena_bytes = steps.lowered().arena_bytes;
  for (auto& op : steps.lowered().ops) broken.ops.push_back({op.name, op.path, op.in, op.out, {}, nullptr, nullptr, {}, 0, 0, 0, 0});
  for (auto& v : broken.values)
    if (v.kind == LAMINA_TEMPORARY) v.offset = 0;
  CHECK(memory_fault(broken) != "");
}

TEST_CASE("a view of a parameter costs nothing, and is none where the parameter is overwritten first") {
  auto session = reference64.open();
  Recording r;
  const Tensor b = r.parameter("b", {3}), x = r.parameter("x", {2, 3, 4});
  r.fetch("y", x + per_channel(b, x));
  Steps steps(*session, r);
  size_t views = 0;
  for (auto& v : steps.lowered().values) views += v.kind == LAMINA_STATE && v.view_of != LAMINA_ABSENT;
  CHECK(views == 1);
  CHECK(memory_fault(steps.lowered()) == "");
  write(*session, "b", {1, 2, 3});
  CHECK(steps.run()["y"].data[5] == 2);

  auto other = reference64.open();
  Recording q;
  const Tensor v = q.parameter("b", {4}), laid = reshape(v, {2, 2});
  record("assign", {v, v * 2.0});
  q.fetch("old", matmul(matmul(laid, laid), laid));
  q.fetch("laid", laid);
  Steps late(*other, q);
  CHECK(memory_fault(late.lowered()) == "");
  write(*other, "b", {1, 0, 0, 2});
  auto y = late.run();
  CHECK(y["old"].data == std::vector<double>{1, 0, 0, 8});
  CHECK(y["laid"].data == std::vector<double>{1, 0, 0, 2});
  CHECK(read(*other, "b").data == std::vector<double>{2, 0, 0, 4});
}
