// What layers promise beyond PyTorch's numbers: other conventions, and laws between layers.
#include <doctest/doctest.h>

#include <cmath>

#include "prove/plugin_cases.hpp"
#include "support/plugins.hpp"
#include "train/initialize.hpp"
#include "train/workbench.hpp"

using namespace lamina;
using namespace lamina::test;

TEST_CASE("batch norm moves its statistics by PyTorch's conventions or by Keras's") {
  const Shape shape = {3, 2, 4};
  const double n = 12, momentum = 0.3;
  for (const char* of : {"batch", "running"})
    for (bool unbiased : {true, false}) {
      INFO(of, unbiased);
      const std::vector<Attribute> settings = {{"momentum", momentum}, {"momentum_of", of}, {"unbiased", unbiased}};
      const PluginCase c = plugin_case(plugins().find("layer", "batch_norm"), settings, {real(shape)}, Mode::training, true);
      REQUIRE(c.kept == std::vector<std::string>{"weight", "bias", "running_mean", "running_variance"});
      REQUIRE(c.assigned == std::vector<std::string>{"running_mean", "running_variance"});
      const std::vector<prove::Array> x = draw(c, Range::general);
      const std::vector<prove::Array> y = prove::Evaluation(reference64, c, 0).at(x).y;
      const double fresh = of == std::string("batch") ? momentum : 1 - momentum;
      for (size_t channel = 0; channel < 2; ++channel) {
        double mean = 0, variance = 0;
        const auto each = [&](auto f) {
          for (size_t sample = 0; sample < 3; ++sample)
            for (size_t place = 0; place < 4; ++place) f(x[0].data[(sample * 2 + channel) * 4 + place]);
        };
        each([&](double v) { mean += v / n; });
        each([&](double v) { variance += (v - mean) * (v - mean) / (unbiased ? n - 1 : n); });
        CHECK(std::abs(y[1].data[channel] - ((1 - fresh) * x[3].data[channel] + fresh * mean)) < 1e-14);
        CHECK(std::abs(y[2].data[channel] - ((1 - fresh) * x[4].data[channel] + fresh * variance)) < 1e-14);
      }
    }
}

TEST_CASE("recurrent layers start as PyTorch's do, uniform in ±1/√units") {
  const char* const text = R"({
    "network": {"layers": [{"type": "parameter", "name": "x", "shape": [2, 3, 40]}, {"type": "gru", "name": "r", "units": 16}]},
    "loss": {"type": "mse", "target": "r"}, "optimizer": {"type": "sgd", "learning_rate": 0.1}, "training": {"steps": 1}
  })";
  const Experiment experiment = load_experiment(text, "gru.json", plugins(), {"backend=" + reference64.json()});
  Workbench bench(experiment, plugins());
  size_t seen = 0;
  for (auto& tensor : bench.session.state()) {
    if (!tensor.path.starts_with("r/")) continue;
    const std::vector<double> values = initial_values(tensor, nullptr, 1, plugins());
    double least = 1, most = -1;
    for (double v : values) least = std::min(least, v), most = std::max(most, v);
    CHECK_MESSAGE((least >= -0.25 && least < -0.2 && most < 0.25 && most > 0.2), tensor.path, " from ", least, " to ", most);
    ++seen;
  }
  CHECK(seen == 4);
}

TEST_CASE("a dilated maximum is an element of its window, whatever its numbers are") {
  const std::vector<Attribute> settings = {{"size", Shape{2}}, {"stride", Shape{1}}, {"padding", Shape{1}}, {"dilation", Shape{2}}};
  const PluginCase c = plugin_case(plugins().find("layer", "max_pool"), settings, {real({1, 1, 5})}, Mode::evaluation);
  prove::Evaluation evaluation(reference64, c, 1);
  const double nan = std::nan("");
  const auto pooled = [&](std::vector<double> x) { return evaluation.at({prove::Array{DType::float64, {1, 1, 5}, std::move(x)}}); };
  // Windows: {1}, {0, 2}, {1, 3}, {2, 4}, {3}.
  const Values nothing = pooled(std::vector<double>(5, -INFINITY));
  CHECK(nothing.y[0].data == std::vector<double>(5, -INFINITY));
  CHECK(nothing.y[1].data == std::vector<double>{1, 0, 1, 2, 3});
  const std::vector<double>& w = evaluation.weights()[0].data;
  CHECK(nothing.g[0].data == std::vector<double>{w[1], w[0] + w[2], w[3], w[4], 0});
  const Values lost = pooled({3, 1, nan, 2, nan});
  CHECK(lost.y[1].data == std::vector<double>{1, 2, 3, 2, 3});
  CHECK(std::isnan(lost.y[0].data[1]));
  CHECK(lost.y[0].data[2] == 2);

  const std::vector<Attribute> wide = {{"size", Shape{2}}, {"stride", Shape{1}}, {"padding", Shape{1}}, {"dilation", Shape{4}}};
  CHECK_THROWS_WITH(plugin_case(plugins().find("layer", "max_pool"), wide, {real({1, 1, 3})}, Mode::evaluation),
                    doctest::Contains("holds padding alone"));
}

TEST_CASE("unpool adds what overlapping windows put in one place, and skips what is outside") {
  const std::vector<Attribute> settings = {{"size", Shape{2}}, {"shape", Shape{4}}};
  const PluginCase c =
      plugin_case(plugins().find("layer", "unpool"), settings, {real({1, 1, 4}), whole({1, 1, 4}, -1, 4)}, Mode::evaluation);
  const Values v = prove::Evaluation(reference64, c, 0)
                       .at({prove::Array{DType::float64, {1, 1, 4}, {1, 2, 4, 8}}, prove::Array{DType::int32, {1, 1, 4}, {3, 0, 3, 4}}});
  CHECK(v.y[0].data == std::vector<double>{2, 0, 0, 5});
}

TEST_CASE("unpool takes the padding of its pool, with a shape where that does not say the size") {
  const auto places = [](const Attribute& padding, const Shape& shape) {
    std::vector<Attribute> settings = {{"size", Shape{3}}, {"stride", Shape{2}}, padding};
    if (!shape.empty()) settings.emplace_back("shape", shape);
    const std::vector<Operand> in = {real({1, 1, 4}), whole({1, 1, 4}, 0, 3)};
    const PluginCase c = plugin_case(plugins().find("layer", "unpool"), settings, in, Mode::evaluation);
    return prove::Evaluation(reference64, c, 0).at(draw(c, Range::general)).y.at(0).shape[2];
  };
  CHECK(places({"padding", Shape{1}}, {}) == 7);
  CHECK(places({"padding", Shape{LAMINA_PAD_SIDES, 0, 1}}, {}) == 8);
  CHECK(places({"padding", Shape{LAMINA_PAD_SAME}}, {8}) == 8);
  CHECK_THROWS_WITH_AS(places({"padding", Shape{LAMINA_PAD_SAME}}, {}),
                       "the padding \"same\" does not say how many places y has; wanted \"shape\"", Error);
}

TEST_CASE("layer norm refuses axes that hold one value, and an axis that comes twice") {
  const auto told = [](const Shape& axes, const Shape& shape) -> std::string {
    try {
      plugin_case(plugins().find("layer", "layer_norm"), {{"axes", axes}}, {real(shape)}, Mode::evaluation);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  CHECK(told({-1}, {3, 2}) == "");
  CHECK(told({1, 2}, {3, 1, 2}) == "");
  CHECK(told({1, 2}, {3, 1, 1}) == "it would normalise over one value, since the axes [1, 2] of the shape [3, 1, 1] hold no more");
  CHECK(told({-1, 1}, {3, 2}) == "\"axes\" names an axis of [3, 2] twice: [-1, 1]");
  CHECK(told({2}, {3, 2}) == "\"axes\" names the axis 2, which the shape [3, 2] does not have");
}
