// Settings that are objects with keys of the user's choosing: from the author's struct over the border to the file and back.
#include <doctest/doctest.h>

#include <lamina/layer.hpp>

#include "config/experiment.hpp"
#include "config/settings.hpp"
#include "graph/op.hpp"
#include "graph/recorder.hpp"
#include "plugin/describe.hpp"
#include "program/session.hpp"

using namespace lamina;

namespace {

struct Weight {
  double initial = 0.25;
  bool trainable = true;
  std::string per = "layer";
  void declare(Declaration& d) {
    d.optional("initial", initial, "[-10, 10]", "value at the start");
    d.optional("trainable", trainable, "whether it learns");
    d.optional("per", per, "layer | channel", "what has one");
  }
};
struct Rate {
  Scalar value = 0;
  int64_t count = 3;
  void declare(Declaration& d) {
    d.required("value", value, "[0, 1)", "a number of the step");
    d.optional("count", count, "a whole number");
  }
};
/// y = x · Σ initial · Π value; refuses weights that are larger than 5.
struct Probe {
  Named<Weight> weights;
  Named<Rate> rates;
  void declare(Declaration& d) {
    d.optional("weights", weights, "weights by name");
    d.required("rates", rates, "rates by name");
  }
  Tensor forward(Scope&, Tensor x) const {
    double sum = 0;
    for (auto& [name, w] : weights) {
      if (w.initial > 5) throw Error("it is too large", "weights." + name + ".initial", "digit 1");
      sum += w.trainable && w.per == "channel" ? w.initial : 0;
    }
    Tensor y = x * sum;
    for (auto& [name, r] : rates) y = y * r.value;
    return y;
  }
};

const lamina_plugin* told() { return border::descriptor<border::Layer<Probe>>("layer", "probe", "a layer for this test", "1"); }
const Descriptor& probe() {
  static const Descriptor d = describe_plugin(told(), "layer", "probe");
  return d;
}

Json json_of(const std::string& text) {
  Faults faults;
  Json json = parse_json(text, {"file"}, faults);
  faults.throw_if_any();
  return json;
}
std::vector<Attribute> settings_of(const std::string& text) {
  Faults faults;
  auto settings = read_settings(probe().parameters, json_of(text), "", "/", faults);
  faults.throw_if_any();
  return settings;
}
std::string faults_of(const std::string& text) {
  try {
    settings_of(text);
    return "";
  } catch (const ConfigError& e) {
    return e.what();
  }
}

/// Descriptors as a careless C plugin might write them.
struct Declared {
  const char* name;
  uint32_t type, flags, defaults;
};
std::string refusal(const std::vector<Declared>& declared) {
  static const double zero[2] = {};
  std::vector<lamina_parameter> parameters;
  for (auto& d : declared)
    parameters.push_back({sizeof(lamina_parameter), d.flags, nullptr, "a text", {d.name, d.type, d.defaults, zero}, nullptr});
  lamina_plugin plugin = *told();
  plugin.parameters = parameters.data(), plugin.parameter_count = uint32_t(parameters.size());
  try {
    describe_plugin(&plugin, "layer", "probe");
    return "";
  } catch (const std::exception& e) {
    return e.what();
  }
}

constexpr uint32_t texts = uint32_t(LAMINA_TEXT) | LAMINA_LIST, reals = uint32_t(LAMINA_REAL) | LAMINA_LIST;

}  // namespace

TEST_CASE("an object of names is declared once, with what stands under each name") {
  const auto& p = probe().parameters;
  REQUIRE(p.size() == 2);
  CHECK(p[0].name == "weights");
  REQUIRE(p[0].fields.size() == 3);
  CHECK(p[0].fields[0].name == "initial");
  CHECK(p[0].fields[0].type == LAMINA_REAL);
  CHECK(p[0].fields[0].domain == "[-10, 10]");
  CHECK(p[0].fields[0].initial->reals == std::vector<double>{0.25});
  CHECK(p[0].fields[2].initial->texts == std::vector<std::string>{"layer"});
  CHECK((p[1].fields[0].flags & (LAMINA_REQUIRED | LAMINA_PER_STEP)) == (LAMINA_REQUIRED | LAMINA_PER_STEP));
  CHECK(type_text(p[0]) == "object of names, each a plain initial or an object with initial, trainable, per");
}

TEST_CASE("the keys arrive in order, with one element per key in the list of each field") {
  const auto s = settings_of(R"({"rates": {"b": 0.5, "a": {"count": 7, "value": 0.25}, "gone": null},
                                 "weights": {"w": {"per": "channel", "trainable": false}}})");
  REQUIRE(s.size() == 7);
  CHECK(find_setting(s, "weights.*")->texts == std::vector<std::string>{"w"});
  CHECK(find_setting(s, "weights.*.initial")->reals == std::vector<double>{0.25});
  CHECK(find_setting(s, "weights.*.trainable")->integers == Shape{0});
  CHECK(find_setting(s, "rates.*")->texts == std::vector<std::string>{"b", "a"});
  CHECK(find_setting(s, "rates.*.value")->reals == std::vector<double>{0.5, 0.25});
  CHECK(find_setting(s, "rates.*.count")->integers == Shape{3, 7});

  const Json written = to_json(probe().parameters, s);
  CHECK(to_text(written, false) == R"({"weights":{"w":{"initial":0.25,"trainable":false,"per":"channel"}},)"
                                   R"("rates":{"b":{"value":0.5,"count":3},"a":{"value":0.25,"count":7}}})");
  CHECK(settings_of(to_text(written)) == s);
  CHECK(settings_of(R"({"rates": {}})").empty());
}

TEST_CASE("faults inside an object of names say where, what and which name is near") {
  CHECK(faults_of("{}") == "file:1:1: \"rates\" is missing; wanted an object of names, each with value, count");
  CHECK(faults_of(R"({"rates": 3})") == "file:1:11  /rates: \"rates\" is 3; wanted an object of names, each with value, count");
  CHECK(faults_of(R"({"rates": {"a": true}})") ==
        "file:1:17  /rates/a: \"a\" is true; wanted a number in [0, 1), or an object with value, count");
  CHECK(faults_of(R"({"rates": {"a": 1}})") ==
        "file:1:17  /rates/a: \"a\" is 1; wanted a number in [0, 1), or an object with value, count");
  CHECK(faults_of(R"({"rates": {"a": {"count": 1}}})") == "file:1:17  /rates/a: \"value\" is missing; wanted a number in [0, 1)");
  CHECK(faults_of(R"({"rates": {"a": {"value": 0, "cuont": 1}}})") ==
        "file:1:30  /rates/a/cuont: unknown key \"cuont\" of \"a\" in \"rates\"; did you mean \"count\"? known: count, value");
  CHECK(faults_of(R"({"rates": {"a": {"value": 2}}})") == "file:1:27  /rates/a/value: \"value\" is 2; wanted a number in [0, 1)");
  CHECK(faults_of(R"({"rates": {"Ä": 0}})") ==
        "file:1:12  /rates/Ä: the name \"Ä\" is not made of a-z, 0-9 and _, beginning with a letter");
  CHECK(faults_of(R"({"rates": {"a": {"value": {}}}})") == "file:1:27  /rates/a/value: \"value\" is an object; wanted a number in [0, 1)");
  CHECK(faults_of(R"({"rates": {}, "weights": {"w": {"per": "chanel"}}})") ==
        "file:1:40  /weights/w/per: \"per\" is \"chanel\"; wanted \"layer\" or \"channel\"; did you mean \"channel\"?");
}

TEST_CASE("the author's members are filled in, numbers of the step are bound, and a fault points at its setting") {
  graph::Graph g(DType::float64);
  lamina_scope layer;
  layer.graph = &g, layer.path = layer.state_path = layer.where = "l";
  const auto run = [&](const std::string& text) {
    const auto settings = settings_of(text);
    layer.settings = &settings;
    const auto views = program::views(settings);
    Scope s(&graph::host_table(), &layer);
    const lamina_value x = s.emit("input", {}, {{"name", "x"}, {"shape", Shape{2}}, {"dtype", DType::float64}})[0].id_in(s);
    lamina_value y = 0;
    uint32_t count = 1;
    return copy_sized<lamina_layer>(probe().table)
        .forward(&graph::host_table(), &layer, views.data(), uint32_t(views.size()), &x, 1, &y, &count);
  };
  REQUIRE(run(R"({"rates": {"a": 0.5, "b": 0.25}, "weights": {"v": {"per": "channel"}, "w": {"initial": 2, "per": "channel"}}})") == 0);
  REQUIRE(g.scalars.size() == 2);
  CHECK(g.scalars[0].name == "l/rates.a.value");
  CHECK(g.scalars[0].value == 0.5);
  CHECK(g.scalars[1].value == 0.25);
  bool summed = false;
  for (auto& n : g.nodes) summed |= n.op->name == "constant" && n.real("value") == 2.25;
  CHECK(summed);

  REQUIRE(run(R"({"rates": {}, "weights": {"w": 6}})") != 0);
  try {
    layer.raise();
  } catch (const Error& e) {
    CHECK(e.text == "l: digit 1: it is too large");
    CHECK(e.setting == "weights.w.initial");
  }
  const Place object{{}, "/o"}, weights{{}, "/o/weights"}, w{{}, "/o/weights/w"};
  const PluginConfig config{&probe(), {}, object, {{"weights", weights}, {"weights.w", w}}};
  CHECK(config.place_of("weights.w.initial").pointer == "/o/weights/w");
  CHECK(config.place_of("weights.v").pointer == "/o/weights");
  CHECK(config.place_of("rates.a").pointer == "/o");
  CHECK(config.place_of("").pointer == "/o");
}

TEST_CASE("declarations of objects of names that are wrong in themselves are refused") {
  CHECK(refusal({{"p.*", texts, 0, 0}, {"p.*.a", reals, 0, 1}, {"q", LAMINA_REAL, 0, 1}}) == "");
  CHECK(refusal({{"p.*", texts, 0, 0}}) == "does not say what stands in \"p\"");
  CHECK(refusal({{"p.*", texts, 0, 0}, {"q", LAMINA_REAL, 0, 1}}) == "does not say what stands in \"p\"");
  CHECK(refusal({{"p.*", reals, 0, 0}, {"p.*.a", reals, 0, 1}}) == "declares parameter \"p.*\" other than as a list of texts");
  CHECK(refusal({{"p.*.a", reals, 0, 1}}) == "declares parameter \"p.*.a\" elsewhere than behind \"p.*\"");
  CHECK(refusal({{"p.*", texts, 0, 0}, {"p.*.a", reals, 0, 1}, {"q", LAMINA_REAL, 0, 1}, {"p.*.b", reals, 0, 1}}) ==
        "declares parameter \"p.*.b\" elsewhere than behind \"p.*\"");
  CHECK(refusal({{"p.*", texts, 0, 0}, {"p.*.a", reals, 0, 1}, {"p.*.a", reals, 0, 1}}) == "declares parameter \"p.*.a\" twice");
  CHECK(refusal({{"p", LAMINA_REAL, 0, 1}, {"p.*", texts, 0, 0}}) == "declares parameter \"p.*\" twice");
  const std::string other = "declares parameter \"p.*.a\" other than as a list whose default is one element, or none where it is required";
  CHECK(refusal({{"p.*", texts, 0, 0}, {"p.*.a", reals, 0, 0}}) == other);
  CHECK(refusal({{"p.*", texts, 0, 0}, {"p.*.a", reals, 0, 2}}) == other);
  CHECK(refusal({{"p.*", texts, 0, 0}, {"p.*.a", reals, LAMINA_REQUIRED, 1}}) == other);
  CHECK(refusal({{"p.*", texts, 0, 0}, {"p.*.a", LAMINA_REAL, 0, 1}}) == other);
  for (const char* name : {"p.", ".*", "p.*a", "p.*.", "p.*.A", "p.*.a.b", "P.*", "p.*.*"})
    CHECK(refusal({{"p.*", texts, 0, 0}, {"p.*.z", reals, 0, 1}, {name, reals, 0, 1}}) ==
          "names a parameter \"" + std::string(name) + "\"; wanted lower case letters, digits and _");
}
