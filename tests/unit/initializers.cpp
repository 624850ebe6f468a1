// What initial values promise beyond being repeatable: lengths and angles, bounds and moments, counts of zeros.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "config/faults.hpp"
#include "config/settings.hpp"
#include "support/plugins.hpp"
#include "train/initialize.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

std::vector<double> values(const std::string& initializer, const std::string& settings, const Shape& shape) {
  const Descriptor& plugin = plugins().find("initializer", initializer);
  Faults faults;
  const Json object = parse_json(settings, {"settings", true, {}}, faults);
  const PluginConfig config{&plugin, read_settings(plugin.parameters, object, "", "/", faults), {}};
  faults.throw_if_any();
  const program::StateInfo info{"a/weight", graph::StateKind::parameter, graph::TensorType{DType::float64, shape},
                                Initializer(initializer.c_str(), 1, 1)};
  return initial_values(info, &config, 1, plugins());
}

}  // namespace

TEST_CASE("orthogonal rows or columns have one length and right angles") {
  for (const Shape& shape : {Shape{5, 3, 2, 3}, Shape{40, 7}, Shape{33, 33}, Shape{9}}) {
    const int64_t rows = shape[0], columns = element_count(shape) / rows, count = std::min(rows, columns), length = std::max(rows, columns);
    const auto w = values("orthogonal", R"({"gain": 1.5})", shape);
    const auto element = [&](int64_t vector, int64_t k) {
      return w[size_t(rows <= columns ? vector * columns + k : k * columns + vector)];
    };
    for (int64_t i = 0; i < count; ++i)
      for (int64_t j = 0; j <= i; ++j) {
        double dot = 0;
        for (int64_t k = 0; k < length; ++k) dot += element(i, k) * element(j, k);
        CHECK(std::abs(dot - (i == j ? 2.25 : 0)) < 1e-13);
      }
  }
}

TEST_CASE("a truncated normal distribution keeps to its bounds, mean and deviation") {
  struct Case {
    const char* settings;
    double mean, deviation, low, high;
  };
  for (const Case& c : {Case{"{}", 0, 1, -2, 2}, Case{R"({"mean": 0.5, "deviation": 2, "low": -1, "high": 1.5})", 0.5, 2, -1, 1.5},
                        Case{R"({"low": 4, "high": 6})", 0, 1, 4, 6}, Case{R"({"low": -9, "high": -8})", 0, 1, -9, -8}}) {
    INFO(c.settings);
    constexpr double count = 100000;
    const auto w = values("truncated_normal", c.settings, {int64_t(count)});
    CHECK(*std::ranges::min_element(w) >= c.low);
    CHECK(*std::ranges::max_element(w) <= c.high);
    // Moments by Simpson's rule over the density.
    double mass = 0, first = 0, second = 0;
    constexpr int parts = 2000;
    for (int i = 0; i <= parts; ++i) {
      const double x = c.low + (c.high - c.low) * i / parts, z = (x - c.mean) / c.deviation, z0 = (c.low - c.mean) / c.deviation;
      const double p = std::exp(std::min(z0 * z0, 90.0) / 2 - z * z / 2) * (i == 0 || i == parts ? 1 : i % 2 ? 4 : 2);
      mass += p, first += p * x, second += p * x * x;
    }
    const double mean = first / mass, variance = second / mass - mean * mean;
    double sum = 0, squares = 0;
    for (double x : w) sum += x - mean, squares += (x - mean) * (x - mean);
    CHECK(std::abs(sum / count) < 4 * std::sqrt(variance / count));
    CHECK(std::abs(squares / count / variance - 1) < 0.05);
  }
}

TEST_CASE("sparse columns have the same number of zeros in other rows") {
  const auto w = values("sparse", R"({"sparsity": 0.61, "deviation": 2})", {10, 7, 30});
  std::vector<int64_t> in_row(10, 0);
  double squares = 0;
  for (size_t c = 0; c < 210; ++c) {
    int64_t zeros = 0;
    for (size_t r = 0; r < 10; ++r)
      zeros += w[r * 210 + c] == 0, in_row[r] += w[r * 210 + c] == 0, squares += w[r * 210 + c] * w[r * 210 + c];
    CHECK(zeros == 7);  // ⌈0.61 · 10⌉
  }
  for (int64_t n : in_row) CHECK(std::abs(double(n) / 210 - 0.7) < 4 * std::sqrt(0.7 * 0.3 / 210));
  CHECK(std::abs(squares / (210 * 3) / 4 - 1) < 4 * std::sqrt(2.0 / (210 * 3)));
}
