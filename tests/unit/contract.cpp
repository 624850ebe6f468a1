// The plugin contract proves itself: from the public headers alone come a backend, a layer with two results and a custom kernel, and the
// real host runs them.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "graph/recorder.hpp"
#include "program/devices.hpp"
#include "program/session.hpp"
#include "support/plugins.hpp"
#include "support/train_bench.hpp"
#include "train/data.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

/// y = max(2 · (x w) + b, 0), or something that the small backend cannot do.
std::unique_ptr<program::Executable> compile(program::Session& session, bool hard) {
  auto graph = std::make_unique<graph::Graph>(DType::float32);
  lamina_scope handle;
  handle.graph = graph.get(), handle.path = "layer", handle.state_path = "layer";
  graph::ValueId result = 0;
  recorded(handle, [&](Scope& s) {
    const Tensor x = s.emit("input", {}, {{"name", "x"}, {"shape", Shape{2, 3}}, {"dtype", DType::float32}})[0];
    const Tensor product = matmul(x, s.parameter("weight", {3, 2}, 0.0));
    const Tensor y = hard ? exp(product) : maximum(2 * product + s.parameter("bias", {2}, 0.0), 0);
    result = graph::from_border(y.id_in(s));
  });
  return session.compile(std::move(graph), {{"y", result}}, "two ops");
}

std::vector<std::string> network(const std::string& layers) { return {"network={\"layers\": [" + layers + "]}", "training.epochs=2"}; }

/// Largest distance of two runs' weights and slots, in relation to the largest element.
double distance(const Outcome& a, const Outcome& b) {
  double worst = 0;
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (size_t t = 0; t < a.tensors.size(); ++t) {
    const auto values = [&](const lamina::Array& array) {
      std::vector<double> v;
      for (size_t i = 0; i < array.bytes.size(); i += size_of(array.dtype)) {
        double wide;
        float narrow;
        if (array.dtype == DType::float64)
          std::memcpy(&wide, &array.bytes[i], 8), v.push_back(wide);
        else
          std::memcpy(&narrow, &array.bytes[i], 4), v.push_back(narrow);
      }
      return v;
    };
    const auto x = values(a.tensors[t].array), y = values(b.tensors[t].array);
    double most = 1e-30, off = 0;
    for (size_t i = 0; i < x.size(); ++i) most = std::max(most, std::abs(y[i])), off = std::max(off, std::abs(x[i] - y[i]));
    worst = std::max(worst, off / most);
  }
  return worst;
}

#define CHECK_HAS(text, part) CHECK_MESSAGE(std::string(text).find(part) != std::string::npos, (text))

}  // namespace

TEST_CASE("a backend of its own runs a program of two ops") {
  program::Session session(all_plugins().find("backend", "two_ops"), {});
  CHECK(session.describe() == "two ops in plain loops");
  const auto program = compile(session, false);
  REQUIRE(program->lowered().ops.size() == 2);
  CHECK(program->lowered().ops[0].name == "matmul");
  CHECK(program->lowered().ops[1].name == "map");
  const float weight[] = {1, 2, 3, 4, 5, 6}, bias[] = {0.5, -100};
  session.write(size_t(session.find("layer/weight")), weight);
  session.write(size_t(session.find("layer/bias")), bias);
  float back[6] = {};
  session.read(size_t(session.find("layer/weight")), back);
  CHECK(!std::memcmp(back, weight, sizeof weight));

  const float samples[] = {1, 0, -1, 9, 9, 9, 2, 1, 1};
  const int64_t rows[] = {2, 0};
  const lamina_feed feed{samples, rows, 12};
  float y[4] = {};
  REQUIRE(program->output_bytes() >= sizeof y);
  std::vector<char> out(program->output_bytes());
  program->run({}, &feed, out.data());
  program->wait();
  std::memcpy(y, out.data() + program->output("y").offset, sizeof y);
  CHECK(y[0] == 20.5f);  // 2 · (2·1 + 3 + 5) + 0.5
  CHECK(y[1] == 0);
  CHECK(y[2] == 0);
  CHECK(y[3] == 0);
  CHECK_THROWS_AS(program->output("z"), Error);

  CHECK(program->explain() == "2 ops\nmatmul of layer\nmap of layer");
  session.keep(samples, sizeof samples);
  CHECK(session.describe() == "two ops in plain loops, 36 bytes kept");
  CHECK(program::devices_of(all_plugins().find("backend", "two_ops")).at(0).details == "matrices only\nno reductions");
  program::Session silent(all_plugins().find("backend", "reference"), {});  // neither keeps nor explains
  silent.keep(samples, sizeof samples);
}

TEST_CASE("the columns of a data set that lie in memory are offered to the backend once") {
  const SmallRuns runs;
  const Experiment experiment = runs.load();
  const Data data(experiment);
  uint64_t bytes = 0;
  for (auto& [base, size] : data.resident()) bytes += size;
  CHECK(bytes == (75 + 13 + 11) * (400 + 1));
}

TEST_CASE("what a backend cannot do is told with the layer's name") {
  program::Session session(all_plugins().find("backend", "two_ops"), {});
  const auto [code, sentence] = failure([&] { compile(session, true); });
  CHECK(code == 5);
  CHECK_HAS(sentence, "op 'map' of 'layer': there is no function 'exp'");
  SmallRuns runs(R"({"type": "two_ops"})");
  const auto [exit, why] = failure([&] { check_experiment(runs.load(), all_plugins()); });
  CHECK(exit == 5);
  CHECK_HAS(why, "/network/layers/0: layer 'c1' (conv): the backend 'two_ops' does not run op conv");
  CHECK_FALSE(std::filesystem::exists(runs.runs));
}

TEST_CASE("a layer with two results is read by their names") {
  const auto overrides = network(R"({"type": "conv", "name": "c1", "filters": 4, "kernel": 3},
    {"type": "split_channels", "name": "parts", "at": 2},
    {"type": "relu", "name": "a", "inputs": ["parts.high"]}, {"type": "tanh", "name": "b", "inputs": ["parts.low"]},
    {"type": "add", "inputs": ["a", "b"]}, {"type": "flatten"}, {"type": "dense", "name": "logits", "units": 3})");
  SmallRuns reference(R"({"type": "reference"})"), cpu;
  const Outcome expected = outcome(reference.run(overrides).folder);
  CHECK(expected.step == 20);
  CHECK(distance(outcome(cpu.run(overrides).folder), expected) < 1e-3);
  auto wrong = overrides;
  wrong[0].replace(wrong[0].find("parts.high"), 10, "parts.hihg");
  const auto [code, sentence] = failure([&] { cpu.load(wrong); });
  CHECK(code == 3);
  CHECK_HAS(sentence, "high");
}

TEST_CASE("a layer that gives fewer results than it declares is named") {
  SmallRuns runs(R"({"type": "reference"})");
  const auto overrides = network(R"({"type": "few_results", "name": "few"}, {"type": "flatten"}, {"type": "dense", "units": 3})");
  const auto [code, sentence] = failure([&] { check_experiment(runs.load(overrides), all_plugins()); });
  CHECK(code == 4);
  CHECK_HAS(sentence, "layer 'few' (few_results): 1 results came, the plugin declares 2");
}

TEST_CASE("a kernel of its own trains on every backend and in both precisions, with a gradient that is a kernel") {
  const auto with = [](const char* by) {
    return network(
        R"({"type": "conv", "name": "c1", "filters": 4, "kernel": 3}, {"type": "cube", "name": "cubed", "factor": 0.5, "by": ")" +
        std::string(by) + R"("}, {"type": "flatten"}, {"type": "dense", "name": "logits", "units": 3})");
  };
  SmallRuns wide(R"({"type": "reference"})"), narrow(R"({"type": "reference", "precision": "float32"})"), cpu;
  const Outcome expected = outcome(wide.run(with("algebra")).folder);
  CHECK(distance(outcome(wide.run(with("kernel")).folder), expected) < 1e-12);
  CHECK(distance(outcome(narrow.run(with("kernel")).folder), outcome(narrow.run(with("algebra")).folder)) < 1e-4);
  CHECK(distance(outcome(cpu.run(with("kernel")).folder), outcome(cpu.run(with("algebra")).folder)) < 1e-4);
  CHECK(distance(outcome(cpu.run(with("kernel")).folder), expected) < 1e-3);

  for (SmallRuns* runs : {&wide, &cpu}) {
    const auto [code, sentence] = failure([&] { check_experiment(runs->load(with("shader")), all_plugins()); });
    CHECK(code == 5);
    CHECK_HAS(sentence, "/network/layers/1: layer 'cubed' (cube): the backend '");
    CHECK_HAS(sentence, "does not run its kernel 'cube_shader', which has a body for GLSL and none for CPU float32, CPU float64");
    const auto [planned, why] = failure([&] { summarise(runs->load(with("shader")), all_plugins()); });
    CHECK(planned == code);
    CHECK(why == sentence);
  }
  const auto [code, sentence] = failure([&] { cpu.run(with("rough")); });
  CHECK(code == 3);
  CHECK_HAS(sentence, "/network/layers/1: layer 'cubed' (cube): its kernel 'cube_gradient' has no gradient");

  const auto kernels = summarise(cpu.load(with("kernel")), all_plugins()).kernels;
  REQUIRE(kernels.size() == 2);
  CHECK(kernels[0].layer + ": " + kernels[0].kernel == "cubed: cube");
  CHECK(kernels[0].bodies == std::vector<std::string>{"CPU float32", "CPU float64"});
  CHECK(kernels[0].gradient);
  CHECK(kernels[1].kernel == "cube_gradient");
  CHECK_FALSE(kernels[1].gradient);
}
