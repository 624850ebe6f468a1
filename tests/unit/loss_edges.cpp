// What losses make of numbers at the edges: infinity and NaN where nothing counts.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "prove/plugin_cases.hpp"
#include "support/plugins.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity(), no_number = std::numeric_limits<double>::quiet_NaN();

struct Outcome {
  double loss;
  std::vector<double> gradient;  ///< of the loss by the prediction
};
/// A loss in float64, of a prediction, a target and, if given, a weight.
Outcome outcome(const std::string& loss, const std::vector<Attribute>& settings, const std::vector<Operand>& in,
                const std::vector<std::vector<double>>& numbers) {
  const PluginCase c = plugin_case(plugins().find("loss", loss), settings, in, Mode::evaluation);
  std::vector<prove::Array> x;
  for (size_t i = 0; i < in.size(); ++i) x.push_back({in[i].dtype.value_or(DType::float64), in[i].shape, numbers[i]});
  prove::Evaluation evaluation(reference64, c, 1);
  const Values v = evaluation.at(x);
  std::vector<double> gradient = v.g.at(0).data;
  for (double& g : gradient) g /= evaluation.weights().at(0).data.at(0);
  return {v.y.at(0).data.at(0), gradient};
}

}  // namespace

TEST_CASE("an ignored place is left out, whatever stands there") {
  const std::vector<double> finite = {-0.5, -2, -1}, spoilt = {-infinity, no_number, infinity};
  for (const char* loss : {"cross_entropy", "nll"})
    for (double smoothing : {0.0, 0.2})
      for (bool weighted : {false, true}) {
        if (smoothing > 0 && loss == std::string("nll")) continue;
        INFO(loss, " ", smoothing, " ", weighted);
        std::vector<Attribute> settings = {{"ignore_index", int64_t(-100)}, {"class_weights", std::vector<double>{1, 2, 0.5}}};
        if (smoothing > 0) settings.emplace_back("label_smoothing", smoothing);
        const auto at = [&](const std::vector<double>& ignored, double weight) {
          std::vector<double> prediction = finite;
          prediction.insert(prediction.end(), ignored.begin(), ignored.end());
          std::vector<Operand> in = {real({2, 3}), whole({2}, -100, 2)};
          if (weighted) in.push_back(real({2}));
          return outcome(loss, settings, in, {prediction, {1, -100}, {3, weight}});
        };
        const Outcome plain = at(finite, 1), edge = at(spoilt, infinity);
        CHECK(std::isfinite(plain.loss));
        CHECK(edge.loss == plain.loss);
        CHECK(edge.gradient == plain.gradient);
        CHECK(std::vector<double>(edge.gradient.begin() + 3, edge.gradient.end()) == std::vector<double>{0, 0, 0});
      }
}

TEST_CASE("a target of 0 adds nothing to a divergence, whatever the prediction is") {
  for (bool logarithms : {false, true}) {
    INFO(logarithms);
    const std::vector<double> target = logarithms ? std::vector<double>{-infinity, 0} : std::vector<double>{0, 1};
    const Outcome o = outcome("kl_divergence", {{"log_target", logarithms}, {"reduction", "sum"}}, {real({1, 2}), real({1, 2})},
                              {{-infinity, -0.5}, target});
    CHECK(o.loss == doctest::Approx(0.5));
    CHECK(o.gradient == std::vector<double>{0, -1});
  }
  CHECK(std::isnan(outcome("kl_divergence", {}, {real({1, 1}), real({1, 1})}, {{-1}, {-1}}).loss));
}
