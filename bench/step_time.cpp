// Time of one training step of an experiment, data feeding included: bench_step_time EXPERIMENT.json [seconds] [--ops] [path=value]…
// Prints one line: milliseconds (median of rounds), samples per second. --ops: then milliseconds per step of every op.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cli/program.hpp"
#include "plugin/registry.hpp"
#include "train/initialize.hpp"
#include "train/loader.hpp"
#include "train/order.hpp"
#include "train/workbench.hpp"

using namespace lamina;

int main(int count, char** arguments) try {
  if (const auto code = child_main(count, arguments, cli::child_jobs())) return *code;
  if (count < 2) return std::fprintf(stderr, "usage: bench_step_time EXPERIMENT.json [seconds] [--ops] [path=value]...\n"), 2;
  double budget = 3;
  bool ops = false;
  std::vector<std::string> overrides;
  for (int i = 2; i < count; ++i) {
    if (!std::strcmp(arguments[i], "--ops")) ops = true;
    else if (std::strchr(arguments[i], '=')) overrides.push_back(arguments[i]);
    else budget = std::atof(arguments[i]);
  }
  Registry registry;
  const Experiment x = load_experiment(std::filesystem::path(arguments[1]), registry, overrides);
  Workbench bench(x, registry);
  initialize(bench.session, x, registry);
  program::Executable& step = bench.training(bench.batch());
  const auto rows = epoch_order(bench.data.training().rows, 1, 0, true);
  const std::vector<size_t> columns = bench.data.numbers(step.feeds());
  Loader loader(bench.data, bench.data.training());
  std::vector<char> outputs(step.output_bytes());
  uint64_t number = 0;
  auto steps = [&](int n) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < n; ++i, ++number) {
      const size_t at = number * size_t(bench.batch()) % (rows.size() - size_t(bench.batch()) + 1);
      step.run({1, number, 0, 0.01, double(number + 1)}, loader.feeds(columns, rows.data() + at, size_t(bench.batch())), outputs.data());
      step.wait();
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  steps(3);
  const int n = std::max(1, int(0.05 / (steps(3) / 3)));
  std::vector<double> times;
  for (double spent = 0; spent < budget;) {
    const double t = steps(n);
    spent += t, times.push_back(t / n);
  }
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  std::printf("%.4f ms per step of %lld samples, %.0f samples/s (fastest %.4f ms)\n", median * 1e3, (long long)bench.batch(), double(bench.batch()) / median, times[0] * 1e3);
  if (ops) {
    step.profile(true);
    steps(n);
    for (auto& p : step.profile(false)) std::printf("%9.4f ms  %-28s %s\n", p.seconds / n * 1e3, p.op.c_str(), p.path.c_str());
  }
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
