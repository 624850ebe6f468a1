// The built-ins that run on the host: initializers, schedules, metrics' formulas, hdf5; and what optimizers and transforms record.
#include <doctest/doctest.h>
#include <lamina/philox.hpp>

#include <cmath>
#include <map>
#include <numbers>
#include <numeric>

#include "graph/op.hpp"
#include "graph/recorder.hpp"
#include "plugin/describe.hpp"
#include "plugin/registry.hpp"

using namespace lamina;
using namespace lamina::graph;

namespace {

const Descriptor& built_in(const std::string& kind, const std::string& name) {
  static Registry registry({LAMINA_PLUGINS});
  return registry.find(kind, name);
}
template <class Table>
Table table_of(const std::string& kind, const std::string& name) {
  return copy_sized<Table>(built_in(kind, name).table);
}
struct Settings {
  explicit Settings(const std::vector<Attribute>& from) {
    for (auto& a : from) views.push_back(a.view());
  }
  std::vector<lamina_attribute> views;
};

/// A number of [0, 1) that depends on its index alone.
double number(uint64_t i) { return double(stream_key(std::to_string(i)) >> 11) / double(uint64_t(1) << 53); }

std::vector<double> filled(const std::string& name, const std::vector<Attribute>& settings, const Shape& shape, int64_t fan_in,
                           int64_t fan_out) {
  lamina_scope scope;
  scope.uniform = [](uint64_t first, uint64_t count, double* out) {
    for (uint64_t i = 0; i < count; ++i) out[i] = number(first + i);
  };
  lamina_shape s{LAMINA_FLOAT64, uint32_t(shape.size()), {}};
  std::copy(shape.begin(), shape.end(), s.dims);
  size_t count = 1;
  for (auto d : shape) count *= size_t(d);
  std::vector<double> values(count, -99);
  const Settings given(settings);
  scope.check(table_of<lamina_initializer>("initializer", name)
                  .fill(&host_table(), &scope, given.views.data(), uint32_t(given.views.size()), &s, fan_in, fan_out, values.data()));
  return values;
}
double deviation(const std::vector<double>& v) {
  const double mean = std::accumulate(v.begin(), v.end(), 0.0) / double(v.size());
  double squares = 0;
  for (double x : v) squares += (x - mean) * (x - mean);
  return std::sqrt(squares / double(v.size()));
}
double rate(const std::string& name, const std::vector<Attribute>& settings, int64_t step, int64_t steps) {
  lamina_scope scope;
  lamina_moment moment{sizeof moment, 0, step, steps, 0, 1, steps, 0.1, nullptr, nullptr, nullptr, nullptr};
  const Settings given(settings);
  double result = -1;
  scope.check(table_of<lamina_schedule>("schedule", name)
                  .rate(&host_table(), &scope, given.views.data(), uint32_t(given.views.size()), &moment, &result));
  return result;
}

}  // namespace

TEST_CASE("initializers: variance by their formula, values by their index") {
  const Shape shape = {40, 25, 3, 3};
  const int64_t fan_in = 225, fan_out = 360;
  CHECK(filled("zeros", {}, {3}, 0, 0) == std::vector<double>{0, 0, 0});
  CHECK(filled("constant", {{"value", 1.5}}, {2}, 0, 0) == std::vector<double>{1.5, 1.5});
  CHECK(filled("constant", {{"value", 2.0}}, {}, 0, 0) == std::vector<double>{2});
  CHECK(deviation(filled("he", {}, shape, fan_in, fan_out)) == doctest::Approx(std::sqrt(2.0 / fan_in)).epsilon(0.05));
  CHECK(deviation(filled("he", {{"distribution", "uniform"}}, shape, fan_in, fan_out)) ==
        doctest::Approx(std::sqrt(2.0 / fan_in)).epsilon(0.05));
  CHECK(deviation(filled("lecun", {}, shape, fan_in, fan_out)) == doctest::Approx(1 / std::sqrt(fan_in)).epsilon(0.05));
  CHECK(deviation(filled("glorot", {}, shape, fan_in, fan_out)) == doctest::Approx(std::sqrt(2.0 / (fan_in + fan_out))).epsilon(0.05));
  CHECK(deviation(filled("normal", {{"deviation", 2.0}}, shape, 0, 0)) == doctest::Approx(2).epsilon(0.05));
  for (double v : filled("uniform", {{"low", 1.0}, {"high", 3.0}}, shape, 0, 0)) CHECK((v >= 1 && v < 3));
  const auto normal = filled("normal", {{"mean", 5.0}, {"deviation", 2.0}}, {2000}, 0, 0);
  for (uint64_t i : {0, 511, 512, 1999})
    CHECK(normal[i] ==
          doctest::Approx(5 + 2 * std::sqrt(-2 * std::log1p(-number(2 * i))) * std::cos(2 * std::numbers::pi * number(2 * i + 1))));
  CHECK_THROWS_WITH_AS(
      filled("he", {}, {3}, 0, 0),
      "this initializer scales by the fan of the layer, but the layer names none for this parameter; name another initializer", Error);
  CHECK_THROWS_WITH_AS(filled("uniform", {{"low", 3.0}, {"high", 3.0}}, {3}, 0, 0), "low = 3 must be below high = 3", Error);
}

TEST_CASE("schedules") {
  CHECK(rate("constant", {}, 7, 10) == 0.1);
  CHECK(rate("cosine", {}, 0, 10) == 0.1);
  CHECK(rate("cosine", {}, 5, 10) == doctest::Approx(0.05));
  CHECK(rate("cosine", {{"final_rate", 0.02}}, 10, 10) == doctest::Approx(0.02));
  CHECK(rate("cosine", {}, 3, 10) == doctest::Approx(0.05 * (1 + std::cos(0.3 * std::numbers::pi))));
  CHECK(std::isfinite(rate("cosine", {}, 0, 0)));
}

TEST_CASE("metrics finish sums") {
  lamina_scope scope;
  const double sums[] = {30, 40};
  double result = 0;
  for (const char* name : {"accuracy", "mse"}) {
    scope.check(table_of<lamina_metric>("metric", name).finish(&host_table(), &scope, nullptr, 0, sums, 2, &result));
    CHECK(result == 0.75);
  }
}

TEST_CASE("a target that varies by the rounding of its sums alone does not vary") {
  lamina_scope scope;
  const auto r2 = [&](double residual, double target, double squares, double count) {
    const double sums[] = {residual, target, squares, count};
    double result = 0;
    scope.check(table_of<lamina_metric>("metric", "r2").finish(&host_table(), &scope, nullptr, 0, sums, 4, &result));
    return result;
  };
  CHECK(r2(0, 0.3, 0.030000001, 3) == 1);  // three times 0.1
  CHECK(r2(0.5, 0.3, 0.030000001, 3) == 0);
  CHECK(r2(0, 0, 0, 3) == 1);
  CHECK(r2(0.5, 6, 14, 3) == doctest::Approx(0.75));  // 1, 2, 3
}

TEST_CASE("optimizers record one update per parameter, with slots of its shape and type") {
  for (const char* name : {"sgd", "momentum", "adam"}) {
    CAPTURE(name);
    Graph graph(DType::float32);
    lamina_scope layer, update;
    layer.graph = update.graph = &graph;
    layer.path = layer.state_path = "d";
    Scope s(&host_table(), &layer);
    const Tensor w = s.parameter("weight", {3, 2}, 0.0),
                 g = s.emit("input", {}, {{"name", "g"}, {"shape", Shape{3, 2}}, {"dtype", DType::float32}})[0];
    const Descriptor& d = built_in("optimizer", name);
    std::vector<Attribute> settings;
    for (auto& p : d.parameters) settings.push_back(*p.initial);
    update.updating = true, update.state_path = "d/weight", update.settings = &settings;
    const Settings given(settings);
    lamina_value next = 0;
    update.check(copy_sized<lamina_optimizer>(d.table).update(&host_table(), &update, given.views.data(), uint32_t(given.views.size()),
                                                              w.id_in(s), g.id_in(s), &next));
    CHECK(graph.values[from_border(next)].type == TensorType{DType::float32, {3, 2}});
    for (auto& entry : graph.states) CHECK((entry.kind == StateKind::parameter || entry.first != entry.current));
    CHECK(graph.states.size() == (name == std::string("sgd") ? 1 : name == std::string("momentum") ? 2 : 3));
    for (auto& scalar : graph.scalars) CHECK(graph.values[scalar.id].hosted);
  }
}

TEST_CASE("normalize casts pictures to the program's real type, with numbers for all channels or per channel") {
  for (const std::vector<double>& mean : {std::vector<double>{0.5}, {0.5, 0.4, 0.3}}) {
    Graph graph(DType::float32);
    lamina_scope scope;
    scope.graph = &graph;
    Scope s(&host_table(), &scope);
    const lamina_value x = s.emit("input", {}, {{"name", "input"}, {"shape", Shape{4, 3, 8, 8}}, {"dtype", DType::uint8}})[0].id_in(s);
    const std::vector<Attribute> settings = {{"mean", mean}, {"deviation", std::vector<double>{0.25}}};
    const Settings given(settings);
    lamina_value y = 0;
    uint32_t count = 1;
    scope.check(table_of<lamina_layer>("transform", "normalize").forward(&host_table(), &scope, given.views.data(), 2, &x, 1, &y, &count));
    CHECK(graph.values[from_border(y)].type == TensorType{DType::float32, {4, 3, 8, 8}});
    bool scaled = false;
    for (auto& node : graph.nodes) scaled |= node.op->name == "constant" && node.real("value") == 1.0 / 255;
    CHECK(scaled);
  }
}

namespace {

struct Stored {
  lamina_shape shape;
  std::string bytes;
};
std::map<std::string, Stored> stored;  // what the host's reader finds

lamina_status read_stored(lamina_scope* scope, const char* path, const char* name, lamina_shape* shape, void* data, uint64_t bytes) {
  const auto found = stored.find(name);
  if (std::string(path) != "/data.h5" || found == stored.end()) return scope->fail("there is no such array"), 1;
  *shape = found->second.shape;
  if (data && bytes != found->second.bytes.size()) return scope->fail("wrong size"), 1;
  if (data) std::copy(found->second.bytes.begin(), found->second.bytes.end(), static_cast<char*>(data));
  return 0;
}

}  // namespace

TEST_CASE("hdf5: arrays by name, through the host's reader") {
  lamina_host host = host_table();
  host.read_hdf5 = read_stored;
  stored["train/input"] = {{LAMINA_FLOAT32, 2, {3, 2}}, std::string(24, 'x')};
  stored["train/target"] = {{LAMINA_INT32, 1, {3}}, std::string("\0\0\0\0\4\0\0\0\1\0\0\0", 12)};
  stored["held/x"] = {{LAMINA_FLOAT32, 2, {1, 2}}, std::string(8, 'y')};
  stored["held/y"] = {{LAMINA_INT32, 1, {1}}, std::string("\5\0\0\0", 4)};
  stored["number"] = {{LAMINA_INT32, 0, {}}, std::string(4, '\0')};
  const auto table = table_of<lamina_dataset>("dataset", "hdf5");
  auto opened = [&](const std::vector<Attribute>& settings, auto look) {
    lamina_scope scope;
    const Settings given(settings);
    void* object = nullptr;
    const lamina_split* splits = nullptr;
    uint32_t count = 0;
    scope.check(table.open(&host, &scope, given.views.data(), uint32_t(given.views.size()), &object));
    table.splits(object, &splits, &count);
    look(splits, count);
    table.close(object);
  };
  opened({{"path", "/data.h5"}, {"validation_input", "held/x"}, {"validation_target", "held/y"}},
         [](const lamina_split* splits, uint32_t count) {
           REQUIRE(count == 2);
           CHECK(splits[1].name == std::string("validation"));
           CHECK(splits[0].samples == 3);
           CHECK(splits[0].columns[0].sample.rank == 1);
           CHECK(splits[0].columns[0].sample.dims[0] == 2);
           CHECK(splits[0].columns[1].class_count == 6);
         });
  opened({{"path", "/data.h5"}, {"train_target", ""}}, [](const lamina_split* splits, uint32_t) { CHECK(splits[0].column_count == 1); });
  const auto nothing = [](const lamina_split*, uint32_t) {};
  CHECK_THROWS_WITH_AS(opened({{"path", "/data.h5"}, {"train_input", "nowhere"}}, nothing), "there is no such array", Error);
  CHECK_THROWS_WITH_AS(opened({{"path", "/data.h5"}, {"train_input", "number"}}, nothing),
                       "the array \"number\" is a single number; wanted [samples, …]", Error);
  CHECK_THROWS_WITH_AS(opened({{"path", "/data.h5"}, {"train_target", "held/y"}}, nothing),
                       "the train split has 3 inputs, but the array \"held/y\" has 1 targets", Error);
  CHECK_THROWS_WITH_AS(opened({{"path", "/data.h5"}, {"classes", std::vector<std::string>{"a", "b"}}}, nothing),
                       "\"classes\" names 2 classes, the targets have 5", Error);
}
