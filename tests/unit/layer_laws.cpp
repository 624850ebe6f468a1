// What layers promise beyond PyTorch's numbers: other conventions, and laws between layers.
#include <doctest/doctest.h>

#include <cmath>

#include "prove/plugin_cases.hpp"
#include "support/plugins.hpp"

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
      const std::vector<Array> x = draw(c, Range::general);
      const std::vector<Array> y = Evaluation(reference64, c, 0).at(x).y;
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
