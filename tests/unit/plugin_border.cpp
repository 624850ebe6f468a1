// Calls across the border: plugins of an older header and of another compiler, failures as sentences, and what built-ins make of shapes.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <memory>

#include "config/json.hpp"
#include "config/settings.hpp"
#include "graph/op.hpp"
#include "graph/recorder.hpp"
#include "plugin/describe.hpp"
#include "plugin/registry.hpp"

using namespace lamina;
using namespace lamina::graph;
namespace fs = std::filesystem;

namespace {

/// One layer recorded on inputs of given shapes.
struct Recording {
  Graph graph{DType::float64};
  lamina_scope scope;
  std::vector<TensorType> results;

  explicit Recording(bool training = true) {
    scope.graph = &graph, scope.path = scope.state_path = "l", scope.where = "l", scope.training = training;
  }
  lamina_value input(const Shape& shape, DType dtype = DType::float64) {
    const std::string name = "x" + std::to_string(graph.inputs.size());
    return to_border(record_node(scope, op_named("input"), {}, {{"name", name}, {"shape", shape}, {"dtype", dtype}})[0]);
  }
  lamina_status forward(const Descriptor& d, const std::vector<Attribute>& settings, const std::vector<lamina_value>& in) {
    const auto table = copy_sized<lamina_layer>(d.table);
    std::vector<lamina_attribute> views;
    for (auto& s : settings) views.push_back(s.view());
    lamina_value out[16];
    uint32_t count = 16;
    const lamina_status status =
        table.forward(&host_table(), &scope, views.data(), uint32_t(views.size()), in.data(), uint32_t(in.size()), out, &count);
    for (uint32_t i = 0; !status && i < count; ++i) results.push_back(graph.values[from_border(out[i])].type);
    return status;
  }
  std::string reason() const {
    try {
      scope.raise();
    } catch (const std::exception& e) {
      return e.what();
    }
  }
};

const Descriptor& test_layer(const std::string& set, const std::string& name) {
  const fs::path folder = fs::path(LAMINA_TEST_PLUGINS);
  // Test plugins lie in sets, and each set looks like a plugin folder once it is reached through a folder that names the kind.
  static std::map<std::string, std::unique_ptr<Registry>> registries;
  auto& registry = registries[set];
  if (!registry) {
    const fs::path root = folder / ("as_" + set);
    fs::create_directories(root);
    if (!fs::exists(root / "layers")) fs::create_directory_symlink(folder / set, root / "layers");
    registry = std::make_unique<Registry>(std::vector<fs::path>{root});
  }
  return registry->find("layer", name);
}

Json json_of(const std::string& text) {
  Faults faults;
  Json json = parse_json(text, {"example"}, faults);
  faults.throw_if_any();
  return json;
}

Registry& built_in() {
  static Registry registry({LAMINA_PLUGINS});
  return registry;
}

Shape shape_after(const std::string& name, const std::string& settings, const Shape& input, bool training = true) {
  Recording r(training);
  const Descriptor& d = built_in().find("layer", name);
  Faults faults;
  const auto given = read_settings(d.parameters, json_of(settings), "", "/", faults);
  faults.throw_if_any();
  if (r.forward(d, given, {r.input(input)})) throw Error(r.reason());
  return r.results.at(0).shape;
}

}  // namespace

TEST_CASE("a plugin built with an older header loads and records; what it does not know reads as absent") {
  const Descriptor& d = test_layer("older/layers", "gated");
  CHECK(d.example != "");
  CHECK(d.example_shape == "");
  CHECK(d.parameters.at(0).unit == "");
  Recording r;
  CHECK(r.forward(d, {{"beta", 1.5}}, {r.input({2, 3})}) == 0);
  CHECK(r.results == std::vector<TensorType>{{DType::float64, {2, 3}}});
}

TEST_CASE("a plugin built by Clang loads and records") {
  if (!fs::exists(LAMINA_TEST_PLUGINS "/clang/gated.so")) {
    MESSAGE("there is no Clang on this machine");
    return;
  }
  const Descriptor& d = test_layer("clang", "gated");
  Recording r;
  CHECK(r.forward(d, {{"beta", 1.5}}, {r.input({2, 3})}) == 0);
  CHECK(r.results == std::vector<TensorType>{{DType::float64, {2, 3}}});
}

TEST_CASE("a layer with two results and a kernel of its own") {
  Recording two;
  CHECK(two.forward(test_layer("layers", "split_channels"), {{"at", 2}}, {two.input({2, 5, 3})}) == 0);
  CHECK(two.results == std::vector<TensorType>{{DType::float64, {2, 2, 3}}, {DType::float64, {2, 3, 3}}});
  Recording own;
  CHECK(own.forward(test_layer("layers", "soft_corner"), {}, {own.input({3, 5})}) == 0);
  CHECK(own.results == std::vector<TensorType>{{DType::float64, {3, 5}}});
  const Node& node = own.graph.nodes.back();
  REQUIRE(node.kernel != nullptr);
  CHECK(node.items == 15);
  CHECK(node.kernel->glsl != nullptr);
  std::vector<double> x = {-1, 0, 3}, y(3);
  const double corner = 1;
  const void* in[] = {x.data()};
  void* out[] = {y.data()};
  const lamina_kernel_call call{sizeof(lamina_kernel_call), 1, 1, 1, in, out, nullptr, nullptr, &corner, 1, 3};
  node.kernel->cpu_double(&call);
  CHECK(y == std::vector<double>{0, 0, 0.75});
}

TEST_CASE("whatever a plugin throws becomes a sentence") {
  const Descriptor& d = test_layer("layers", "throws");
  auto reason = [&](const std::vector<Attribute>& settings) {
    Recording r;
    CHECK(r.forward(d, settings, {r.input({2, 3})}) != 0);
    return r.reason();
  };
  CHECK(reason({{"how", "exception"}}) == "l: the moon is in the wrong phase");
  CHECK(reason({{"how", "number"}}) == "l: the plugin threw something that is no std::exception");
  CHECK(reason({{"how", "op"}}).find("no op is called 'sigmiod'") != std::string::npos);
  CHECK(reason({{"how", "sizes"}, {"sizes", Shape{1, 2, 3}}}) == "l: \"sizes\" has 3 entries; wanted 2, or one number for all");
  CHECK(reason({{"how", 3.5}}) == "l: the setting \"how\" arrived with another type than declared");
}

TEST_CASE("result shapes of the built-in layers") {
  CHECK(shape_after("conv", R"({"filters": 6, "kernel": 5, "padding": 2})", {64, 1, 28, 28}) == Shape{64, 6, 28, 28});
  CHECK(shape_after("conv", R"({"filters": 8, "kernel": 9, "stride": 2})", {2, 4, 100}) == Shape{2, 8, 46});
  CHECK(shape_after("conv", R"({"filters": 4, "kernel": [3, 1, 2], "groups": 2, "dilation": [2, 1, 1]})", {2, 4, 8, 8, 8}) ==
        Shape{2, 4, 4, 8, 7});
  CHECK(shape_after("max_pool", R"({"size": 2})", {2, 3, 7, 6}) == Shape{2, 3, 3, 3});
  CHECK(shape_after("max_pool", R"({"size": 3, "stride": 2, "padding": 1})", {2, 3, 7}) == Shape{2, 3, 4});
  CHECK(shape_after("average_pool", R"({"size": [2, 3], "stride": 1})", {2, 3, 7, 6}) == Shape{2, 3, 6, 4});
  CHECK(shape_after("flatten", "{}", {2, 3, 4, 5}) == Shape{2, 60});
  CHECK(shape_after("dense", R"({"units": 3})", {5, 7}) == Shape{5, 3});
  CHECK(shape_after("batch_norm", "{}", {5, 7}) == Shape{5, 7});
  CHECK(shape_after("batch_norm", "{}", {1, 7, 1}, false) == Shape{1, 7, 1});
  CHECK(shape_after("softmax", R"({"axis": -1})", {5, 7}) == Shape{5, 7});
  CHECK_THROWS_WITH(shape_after("dense", R"({"units": 3})", {5, 7, 1}),
                    "l: wanted [batch, features], got the shape [5, 7, 1]; put a flatten before it");
  CHECK_THROWS_WITH(shape_after("conv", R"({"filters": 3, "kernel": [3, 3]})", {1, 1, 9}),
                    "l: \"kernel\" has 2 entries; wanted 1, or one number for all");
  CHECK_THROWS_WITH(shape_after("conv", R"({"filters": 3, "kernel": 3, "groups": 2})", {1, 4, 9}),
                    "l: groups = 2 must divide both the 4 channels and the 3 filters");
  CHECK_THROWS_WITH(shape_after("batch_norm", "{}", {1, 7, 1}),
                    "l: training would normalise over one value per channel; the shape [1, 7, 1] needs a larger batch");
  CHECK_THROWS_WITH(shape_after("softmax", R"({"axis": 2})", {5, 7}), "l: \"axis\" names the axis 2, which the shape [5, 7] does not have");
}

TEST_CASE("losses meet labels, probabilities and weights") {
  const Descriptor &entropy = built_in().find("loss", "cross_entropy"), &mse = built_in().find("loss", "mse");
  auto holds = [](const Descriptor& d, const std::vector<std::pair<Shape, DType>>& in) {
    Recording r;
    std::vector<lamina_value> ids;
    for (auto& [shape, dtype] : in) ids.push_back(r.input(shape, dtype));
    if (r.forward(d, {}, ids)) return r.reason();
    CHECK(r.results.at(0).shape.empty());
    return std::string();
  };
  const DType real = DType::float64, byte = DType::uint8;
  CHECK(holds(entropy, {{{4, 10}, real}, {{4}, byte}}) == "");
  CHECK(holds(entropy, {{{4, 10}, real}, {{4}, DType::int32}, {{4}, real}}) == "");
  CHECK(holds(entropy, {{{4, 10, 5, 5}, real}, {{4, 5, 5}, byte}, {{4}, byte}}) == "");
  CHECK(holds(entropy, {{{4, 10, 5}, real}, {{4, 10, 5}, byte}, {{4, 5}, real}}) == "");
  CHECK(holds(entropy, {{{4, 10}, real}, {{4}, real}}).find("the prediction has the shape [4, 10], the target [4]") != std::string::npos);
  CHECK(holds(entropy, {{{4, 10}, real}, {{5}, byte}}).find("the target [5]") != std::string::npos);
  CHECK(holds(mse, {{{4, 1}, real}, {{4}, real}}) == "");
  CHECK(holds(mse, {{{4, 3}, real}, {{4, 3}, byte}, {{4}, real}}) == "");
  CHECK(holds(mse, {{{4, 3}, real}, {{4}, real}}).find("they must agree") != std::string::npos);
  CHECK(holds(mse, {{{4, 3}, real}, {{4, 3}, real}, {{3}, real}}) != "");
}
