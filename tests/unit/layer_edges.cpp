// What layers make of numbers at the edges: NaN, infinity, places that do not exist.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "config/settings.hpp"
#include "prove/plugin_cases.hpp"
#include "support/plugins.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity(), no_number = std::numeric_limits<double>::quiet_NaN();

/// First result and gradient of its weighted sum by the layer's first input, at x of this shape, from every backend.
template <class Check>
void run(const std::string& layer, const std::string& settings, const Shape& shape, const std::vector<double>& x, Check check) {
  const Descriptor& d = plugins().find("layer", layer);
  Faults faults;
  const auto read = read_settings(d.parameters, parse_json(settings, {"settings", true, {}}, faults), "", "/", faults);
  REQUIRE(!faults.any());
  std::vector<std::string> left_out;
  std::vector<Backend> backends = backends_under_test(left_out);
  backends.insert(backends.begin(), reference64);
  const PluginCase c = plugin_case(d, read, {real(shape)}, Mode::evaluation);
  for (auto& backend : backends) {
    INFO(layer, " ", settings, ", ", backend.text());
    std::vector<Array> values = draw(c, Range::general);  // and what the layer keeps
    values[0].data = x;
    const Values v = Evaluation(backend, c, 1).at(values);
    check(v.y.at(0).data, v.g);
  }
}

}  // namespace

TEST_CASE("activations let NaN through, and infinity to where they tend") {
  struct Case {
    const char *name, *settings;
    double low, high;  // y for x to −∞ and ∞
  };
  const double lambda = 1.0507009873554805, alpha = 1.6732632423543772;
  for (const Case& c : std::initializer_list<Case>{{"relu", "{}", 0, infinity},
                                                   {"relu6", "{}", 0, 6},
                                                   {"leaky_relu", "{}", -infinity, infinity},
                                                   {"elu", R"({"alpha": 2})", -2, infinity},
                                                   {"selu", "{}", -lambda * alpha, infinity},
                                                   {"celu", R"({"alpha": 0.5})", -0.5, infinity},
                                                   {"sigmoid", "{}", 0, 1},
                                                   {"hard_sigmoid", "{}", 0, 1},
                                                   {"tanh", "{}", -1, 1},
                                                   {"softplus", R"({"beta": 2, "threshold": 1000})", 0, infinity},
                                                   {"clip", R"({"low": -3, "high": 4})", -3, 4}})
    run(c.name, c.settings, {1, 3}, {-infinity, no_number, infinity}, [&](const std::vector<double>& y, const std::vector<Array>& g) {
      const auto is = [](double value, double limit) { return value == limit || std::abs(value - limit) < 1e-6; };
      CHECK((is(y[0], c.low) && std::isnan(y[1]) && is(y[2], c.high)));
      CHECK(!std::isnan(g.at(0).data.at(0)));
      CHECK(!std::isnan(g.at(0).data.at(2)));
    });
  for (const char* name : {"prelu", "gelu", "swish", "hard_swish", "softsign"})
    run(name, "{}", {1, 3}, {-1, no_number, 1},
        [](const std::vector<double>& y, auto&) { CHECK((std::isfinite(y[0]) && std::isnan(y[1]) && std::isfinite(y[2]))); });
  run("prelu", "{}", {1, 2}, {infinity, 2}, [](const std::vector<double>& y, const std::vector<Array>& g) {
    CHECK(y == std::vector<double>{infinity, 2});
    CHECK(g.at(1).data == std::vector<double>{0});  // of the slope
  });
}

TEST_CASE("far numbers do not overflow where the result does not") {
  run("gelu", R"({"approximate": "tanh"})", {1, 2}, {-1e12, 1e12}, [](const std::vector<double>& y, const std::vector<Array>& g) {
    CHECK(y[0] == doctest::Approx(0));
    CHECK(y[1] == doctest::Approx(1e12));
    CHECK((std::isfinite(g[0].data[0]) && std::isfinite(g[0].data[1])));
  });
  run("reduce", R"({"operation": "log_sum_exp"})", {4, 2}, {1e4, 1e4, -1e4, -1e4, -infinity, 1, -infinity, -infinity},
      [](const std::vector<double>& y, auto&) {
        CHECK(y[0] == doctest::Approx(1e4 + std::log(2)));
        CHECK(y[1] == doctest::Approx(-1e4 + std::log(2)));
        CHECK(y[2] == doctest::Approx(1));
        CHECK(y[3] == -infinity);
      });
  run("reduce", R"({"operation": "log_sum_exp"})", {2, 2}, {infinity, 1, no_number, 1},
      [](const std::vector<double>& y, auto&) { CHECK((y[0] == infinity && std::isnan(y[1]))); });
}

TEST_CASE("an embedding gives zeros for numbers that name no row, and reads the largest exactly") {
  run("embedding", R"({"entries": 3, "units": 2, "padding": 1})", {6}, {-1, 0, 1, 2, 3, 16777216},
      [](const std::vector<double>& y, const std::vector<Array>& g) {
        for (int id : {0, 2, 4, 5}) CHECK((y[2 * size_t(id)] == 0 && y[2 * size_t(id) + 1] == 0));
        for (int id : {1, 3}) CHECK((y[2 * size_t(id)] != 0 && y[2 * size_t(id) + 1] != 0));
        const std::vector<double>& slopes = g.at(1).data;  // of the rows
        for (size_t i = 0; i < 6; ++i) CHECK((slopes.at(i) == 0) == (i / 2 == 1));
      });
}
