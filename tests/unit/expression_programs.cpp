// Layers and optimizers of the experiment file beside those of libraries: the same programs, byte for byte, and runs like any other.
#include <doctest/doctest.h>

#include <set>

#include "graph/op.hpp"
#include "support/process.hpp"
#include "support/train_bench.hpp"
#include "train/workbench.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

/// A program as bytes: all that is computed, where it lies and in which order. What settings are called is left out, and how many nodes
/// were recorded that are in no op.
class Bytes {
 public:
  explicit Bytes(const program::Lowered& p) {
    std::set<uint32_t> ranks;
    for (auto& op : p.ops) ranks.insert(op.rank);
    list(p.values, [&](auto& v) {
      put(v.type.dtype), put(v.type.shape), put(v.kind), put(v.index), put(v.layout), put(v.bytes), put(v.alignment), put(v.offset);
      put(v.fixed), put(v.view_of);
    });
    list(p.ops, [&](auto& op) {
      put(op.name), put(*op.path), put(op.in), put(op.out), put(op.attributes), put(op.kernel), put(op.constants), put(op.items);
      put(std::distance(ranks.begin(), ranks.find(op.rank))), put(op.scratch), put(op.scratch_bytes), put(bool(op.region));
      if (op.region) region(*op.region);
    });
    list(p.outputs, [&](auto& o) { put(o.name), put(o.value), put(o.offset); });
    list(p.feeds, [&](auto& name) { put(name); });
    list(p.commits, [&](auto& c) { put(c.state), put(c.next); });
    put(p.state_values);
    list(p.host.steps, [&](auto& s) {
      put(s.node->op->name), put(s.in);
      if (s.node->op->name != "scalar") put(s.node->attributes);
    });
    put(p.host.rows);
    list(p.host.sources, [&](auto& s) { put(s.first), put(s.second.source), put(s.second.value); });
    put(p.name), put(p.arena_bytes), put(p.output_bytes);
  }
  std::string text;

 private:
  template <class T>
  requires(std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_pointer_v<T>) void put(T v) {
    text.append(reinterpret_cast<const char*>(&v), sizeof v);
  }
  void put(const std::string& t) { put(t.size()), text += t; }
  template <class T>
  void put(const std::vector<T>& values) {
    list(values, [&](auto& v) { put(v); });
  }
  void put(const Attribute& a) { put(a.name), put(a.type), put(a.integers), put(a.reals), put(a.texts); }
  void region(const program::Region& r) {
    put(r.operand_count);
    list(r.instructions, [&](auto& i) { put(i.op), put(i.dtype), put(i.in), put(i.attributes); });
    list(r.results, [&](auto& result) { put(result.from), put(result.reduce); });
    list(r.spaces, [&](auto& s) { put(s); });
  }
  template <class T, class Each>
  void list(const std::vector<T>& items, Each each) {
    put(items.size());
    for (auto& item : items) each(item);
  }
};

constexpr const char* plain_optimizer = R"({"type": "sgd", "learning_rate": 0.1})";

/// The programs of a small network around one layer: a training step with gradients and update, then evaluation.
std::string programs(const std::string& backend, const std::string& layer, const std::string& optimizer = plain_optimizer) {
  SmallRuns runs(R"({"type": ")" + backend + R"("})");
  const std::string named = layer.substr(0, layer.size() - 1) + R"(, "name": "act"})";
  const Experiment experiment = runs.load({R"(network.layers=[{"type": "conv", "name": "c1", "filters": 4, "kernel": 3}, )" + named +
                                               R"(, {"type": "flatten"}, {"type": "dense", "name": "logits", "units": 3}])",
                                           "optimizer=" + optimizer});
  Workbench bench(experiment, all_plugins());
  return Bytes(bench.training(8).lowered()).text + Bytes(bench.evaluation(8).lowered()).text;
}
/// `library` is what one of `written` compiles to. C++ leaves open which operand is recorded first: as written, or the right one, as GCC
/// does; a formula that gives it a name says so too.
void same(const std::vector<std::string>& written, const std::string& library, bool optimizer = false) {
  for (const std::string backend : {"reference", "cpu"}) {
    const auto bytes = [&](const std::string& part) {
      return optimizer ? programs(backend, R"({"type": "relu"})", part) : programs(backend, part);
    };
    const std::string expected = bytes(library);
    CHECK_MESSAGE(expected.size() > 5000, expected.size());
    bool met = false;
    for (auto& w : written) met |= bytes(w) == expected;
    CHECK_MESSAGE(met, backend, ": ", written[0], " and ", library, " are other programs");
  }
}

const std::vector<std::string> small = {
    R"j(network.layers=[{"type": "conv", "name": "c1", "filters": 4, "kernel": 3},
      {"type": "expression", "name": "act",
       "forward": "s = sigmoid(beta * x); x * s + shift * (1 - s) + select(training, 0.1 * random_uniform(), 0)",
       "parameters": {"beta": {"initial": 1.5, "per": "channel"}, "shift": {"initial": 0, "per": "element"}},
       "initializer": {"shift": {"type": "normal", "deviation": 0.1}}},
      {"type": "flatten"}, {"type": "dense", "name": "logits", "units": 3}])j",
    R"j(optimizer={"type": "expression_optimizer", "learning_rate": 0.05, "state": {"v": 0, "n": {"initial": 1}}, "parameters": {"momentum": 0.8},
      "update": "n = 0.9 * n + 0.1 * g ^ 2; v = momentum * v + g / sqrt(n + 1e-8 / step); w - learning_rate * v"})j"};

}  // namespace

TEST_CASE("a layer of the file compiles to the same program as a library's, byte for byte") {
  const auto written = [](const std::string& formula, const std::string& more = "") {
    return R"({"type": "expression", "forward": ")" + formula + "\"" + more + "}";
  };
  same({written("x * sigmoid(beta * x)", R"(, "parameters": {"beta": {"initial": 1.5, "trainable": false}})")},
       R"({"type": "swish", "beta": 1.5})");
  same({written("x * sigmoid(1.5 * x)")}, R"({"type": "swish", "beta": 1.5})");
  same({written("x * sigmoid(beta * x)", R"(, "parameters": {"beta": 1.5})")}, R"({"type": "learned_swish", "beta": 1.5})");
  same({written("relu(x)")}, R"({"type": "relu"})");
  const std::string fixed = programs("cpu", R"({"type": "swish", "beta": 1.5})");
  CHECK(fixed != programs("cpu", R"({"type": "swish", "beta": 1.25})"));
  CHECK(fixed != programs("cpu", R"({"type": "learned_swish", "beta": 1.5})"));
}

TEST_CASE("an optimizer of the file compiles to the same program as a library's, byte for byte") {
  const auto written = [](const std::string& parameters, const std::string& state, const std::string& rule) {
    return R"({"type": "expression_optimizer", "learning_rate": 0.1, "parameters": {)" + parameters + R"(}, "state": {)" + state +
           R"(}, "update": ")" + rule + "\"}";
  };
  const std::string three = R"("mu": 0.8, "tau": 0, "decay": 0)", velocity = R"("velocity": 0)";
  const std::string four = R"("b1": 0.9, "b2": 0.99, "epsilon": 1e-8, "decay": 0)", moments = R"("m": 0, "v": 0)";
  same({written(R"("decay": 0.01)", "", "w - learning_rate * (g + decay * w)"),
        written(R"("decay": 0.01)", "", "d = g + decay * w; w - learning_rate * d")},
       R"({"type": "sgd", "learning_rate": 0.1, "weight_decay": 0.01})", true);
  const std::string later = "later = minimum(step - 1, 1); ";
  same({written(three, velocity, later + "velocity = mu * velocity + (1 - tau * later) * (g + decay * w); w - learning_rate * velocity"),
        written(three, velocity,
                later + "d = g + decay * w; part = (1 - tau * later) * d; velocity = mu * velocity + part; w - learning_rate * velocity")},
       R"({"type": "momentum", "learning_rate": 0.1, "momentum": 0.8})", true);
  same({written(four, moments,
                "d = g + decay * w; m = b1 * m + (1 - b1) * d; v = b2 * v + (1 - b2) * square(d);"
                "rate = learning_rate / (1 - b1 ^ step); root = sqrt(1 - b2 ^ step);"
                "w - rate * m / (sqrt(v) / root + epsilon)"),
        written(four, moments,
                "d = g + decay * w; a = (1 - b1) * d; m = b1 * m + a; s = square(d); b = (1 - b2) * s; v = b2 * v + b;"
                "c = 1 - b1 ^ step; rate = learning_rate / c; root = sqrt(1 - b2 ^ step);"
                "t = sqrt(v) / root + epsilon; w - rate * m / t")},
       R"({"type": "adam", "learning_rate": 0.1, "beta2": 0.99})", true);
}

TEST_CASE("layers and optimizers of the file train on every backend, and a resumed run has the bits of the whole one") {
  SmallRuns cpu, reference(R"({"type": "reference"})");
  const Outcome whole = outcome(cpu.run(small).folder);
  CHECK(whole.step == 40);
  std::vector<std::string> kept;
  for (auto& t : whole.tensors) kept.push_back(t.name);
  for (const char* name : {"model/act/beta", "model/act/shift", "optimizer/v/act/beta", "optimizer/n/c1/weight"})
    CHECK_MESSAGE(std::find(kept.begin(), kept.end(), name) != kept.end(), name);
  const RunReport stopped = cpu.run(small, 13);
  CHECK(stopped.steps == 13);
  CHECK(difference(outcome(cpu.resume(stopped.folder).folder), whole) == "");
  const Outcome truth = outcome(reference.run(small).folder);
  const auto losses = [](const Outcome& o) {
    for (auto& column : o.journal.at("step"))
      if (column.name == "loss") return column.reals;
    return std::vector<double>();
  };
  const auto a = losses(whole), b = losses(truth);
  REQUIRE(a.size() == 40);
  REQUIRE(b.size() == 40);
  for (size_t i = 0; i < a.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-3));
}

TEST_CASE("what was read is written out, and reads as the same") {
  SmallRuns runs;
  auto overrides = small;
  overrides.insert(overrides.end(), {"network.layers[act].parameters.beta.initial=2", "optimizer.parameters.momentum=0.7"});
  const Experiment first = runs.load(overrides);
  const Json& written = *first.resolved.find("network")->find("layers")->items()[1].find("parameters");
  CHECK(to_text(written, false) ==
        R"({"beta":{"initial":2.0,"trainable":true,"per":"channel"},"shift":{"initial":0.0,"trainable":true,"per":"element"}})");
  CHECK(to_text(*first.resolved.find("optimizer")->find("parameters"), false) == R"({"momentum":{"value":0.7}})");
  CHECK(to_text(*first.resolved.find("optimizer")->find("state"), false) == R"({"v":{"initial":0.0},"n":{"initial":1.0}})");
  const Experiment second = load_experiment(to_text(first.resolved), runs.experiment, all_plugins(), {});
  CHECK(second.resolved == first.resolved);
  CHECK(second.optimizer.settings == first.optimizer.settings);
}

TEST_CASE("the program runs an experiment whose layer and optimizer are its own") {
  SmallRuns runs;
  std::vector<std::string> arguments = {"run", runs.experiment.string(), "--out", runs.runs.string()};
  for (auto& assignment : small) arguments.insert(arguments.end(), {"--set", assignment});
  const Finished finished = run_program(LAMINA_PROGRAM, arguments);
  INFO(finished.err);
  CHECK(finished.exit == 0);
  CHECK(difference(outcome(runs.runs / "small-1"), outcome(runs.run(small).folder)) == "");
}
