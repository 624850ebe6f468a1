// What runs on the host alone: initializers, schedules, and the formulas of metrics.
#include <algorithm>
#include <cmath>

#include "plugin/describe.hpp"
#include "prove/check_recorded.hpp"
#include "train/initialize.hpp"

namespace lamina::prove {

void check_values(const Subject& s, Findings& found) {
  const PluginConfig config{&s.plugin, example_settings(s.plugin, found), {}};
  if (!found.passed()) return;
  const auto values = [&](const std::string& path, const Shape& shape, uint64_t seed) {
    found.at(describe("a tensor of ", shape));
    const Initializer start(s.plugin.name.c_str(), 27, 12);
    const program::StateInfo info{path, graph::StateKind::parameter, graph::TensorType{DType::float32, shape}, start};
    return initial_values(info, &config, seed, s.catalogue);
  };
  const Shape shape = {12, 3, 41, 3};
  const auto a = values("a/weight", shape, 1);
  const size_t wrong = size_t(std::ranges::count_if(a, [](double v) { return !std::isfinite(v); }));
  found.expect(!wrong, wrong, " of ", a.size(), " values are not finite");
  found.expect(values("a/weight", shape, 1) == a, "the same tensor gets other values when it is filled again");
  for (const Shape& odd : {Shape{}, Shape{1}, Shape{7}, Shape{13, 5}}) values("a/weight", odd, 1);
  const auto [least, most] = std::minmax_element(a.begin(), a.end());
  const bool by_path = values("b/weight", shape, 1) != a, by_seed = values("a/weight", shape, 2) != a, random = by_path || by_seed;
  found.expect(by_path || !random, "two tensors get the same values: random numbers must come from Randomness");
  found.expect(by_seed || !random, "another seed gives the same values: random numbers must come from Randomness");
  found.note(random ? "random" : "fixed", ", from ", *least, " to ", *most);
}

void check_rate(const Subject& s, Findings& found) {
  const auto settings = example_settings(s.plugin, found);
  if (!found.passed()) return;
  const auto table = copy_sized<lamina_schedule>(s.plugin.table);
  const auto views = program::views(settings);
  const auto rate = [&](int64_t step, int64_t steps) {
    lamina_scope scope;
    const int64_t epochs = 5, each = std::max<int64_t>(1, steps / epochs);
    const char* const names[] = {"validation_loss", "train_loss"};
    // A loss that falls, then stands still.
    const size_t done = size_t(std::min(step / each, epochs));
    std::vector<double> validation, train;
    for (size_t epoch = 0; epoch < done; ++epoch)
      validation.push_back(std::max(0.5, 2.0 - double(epoch))), train.push_back(0.5 * validation.back());
    const double values[] = {done ? validation.back() : 0, done ? train.back() : 0};
    const double* const histories[] = {validation.data(), train.data()};
    const int64_t counts[] = {int64_t(done), int64_t(done)};
    const lamina_moment moment{sizeof moment, done ? 2u : 0u, step,   steps,     step / each, epochs, each,
                               0.1,           names,          values, histories, counts};
    double result = NAN;
    scope.check(table.rate(&graph::host_table(), &scope, views.data(), uint32_t(views.size()), &moment, &result));
    return result;
  };
  double least = INFINITY, most = 0;
  for (int64_t steps : {1, 5, 100, 1000000}) {
    std::vector<std::pair<int64_t, double>> rates;
    for (int64_t k = 0; k <= 100; ++k) {
      const int64_t step = steps * k / 100;
      found.at(describe("step ", step, " of ", steps));
      const double r = rate(step, steps);
      found.expect(std::isfinite(r) && r >= 0, "step ", step, " of ", steps, ": the rate is ", r,
                   "; wanted a finite number that is not negative");
      rates.emplace_back(step, r), least = std::min(least, r), most = std::max(most, r);
    }
    for (auto& [step, r] : rates) {
      const double again = rate(step, steps);
      found.expect(again == r, "step ", step, " of ", steps, ": the rate is ", r, ", and ", again,
                   " when it is asked again after others; a rate depends on the moment alone, so that a resumed run repeats it");
    }
  }
  found.note("rates from ", least, " to ", most, " for 0.1");
}

void check_sums(const Subject& s, Findings& found) {
  const Descriptor& d = s.plugin;
  for (const Taken& t : taken_cases(s, found)) {
    found.at(t.what);
    const std::vector<Array> x = draw(t.c, Range::general);
    const std::vector<Array> all = Evaluation(s.truth(), t.c, 0).at(x).y;
    // The batch, sample by sample.
    std::vector<double> together, sums;
    for (auto& y : all) together.insert(together.end(), y.data.begin(), y.data.end());
    sums.assign(together.size(), 0);
    if (t.inputs[0].shape.empty()) continue;
    const int64_t samples = t.inputs[0].shape[0];
    std::vector<Operand> single = t.inputs;
    const auto batched = [&](const Shape& shape) { return !shape.empty() && shape[0] == samples; };
    for (auto& o : single)
      if (batched(o.shape)) o.shape[0] = 1;
    const PluginCase one = plugin_case(d, t.settings, single, Mode::evaluation);
    Evaluation evaluation(s.truth(), one, 0);
    for (int64_t i = 0; i < samples; ++i) {
      std::vector<Array> row = x;
      for (auto& a : row) {
        if (!batched(a.shape)) continue;
        const auto length = ptrdiff_t(a.data.size()) / samples;
        a.data = {a.data.begin() + i * length, a.data.begin() + (i + 1) * length}, a.shape[0] = 1;
      }
      size_t at = 0;
      for (auto& y : evaluation.at(row).y)
        for (double v : y.data)
          if (at++ < sums.size()) sums[at - 1] += v;
      if (!found.expect(at == sums.size(), t.what, ": there are ", sums.size(), " sums for the batch and ", at,
                        " for one sample; wanted the same number"))
        break;
    }
    for (size_t k = 0; k < sums.size(); ++k)
      found.expect(std::abs(sums[k] - together[k]) <= 1e-6 * std::max(1.0, std::abs(together[k])), t.what, ": sum ", k, " of the batch is ",
                   together[k], ", its samples' sums add up to ", sums[k]);
    lamina_scope scope;
    const auto views = program::views(t.settings);
    double result = NAN, again = NAN;
    for (double* to : {&result, &again})
      scope.check(copy_sized<lamina_metric>(d.table).finish(&graph::host_table(), &scope, views.data(), uint32_t(views.size()),
                                                            together.data(), together.size(), to));
    found.expect(std::isfinite(result), t.what, ": the formula gives ", result);
    found.expect(result == again, t.what, ": the formula gives ", result, ", and ", again, " for the same sums");
  }
  found.note("sums of a batch are those of its samples");
}

}  // namespace lamina::prove
