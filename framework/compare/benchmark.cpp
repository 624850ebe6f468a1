#include "compare/benchmark.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "train/batches.hpp"
#include "train/failures.hpp"
#include "train/initialize.hpp"
#include "train/pace.hpp"

namespace lamina::compare {
namespace {

using Clock = std::chrono::steady_clock;
double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

Benchmark measured(const Experiment& experiment, Catalogue& catalogue, int64_t steps, int64_t warm_up) {
  const auto start = Clock::now();
  Workbench bench(experiment, catalogue);
  initialize(bench.session, experiment, catalogue);
  bench.load_initial_weights();
  program::Executable& program = bench.training(bench.batch());
  Batches batches(bench);
  std::array<std::vector<char>, pace::ring> outputs;
  for (auto& o : outputs) o.resize(program.output_bytes());

  // Seconds per step of `count` steps, each the mean of those that were waited for together.
  const auto train = [&](int64_t count) {
    std::vector<double> seconds;
    while (int64_t(seconds.size()) < count) {
      const auto begin = Clock::now();
      size_t pending = 0;
      do {
        program.run(batches.moment(), batches.feeds(program), outputs[pending++].data());
        batches.advance();
      } while (pending < pace::ring && int64_t(seconds.size() + pending) < count && since(begin) <= pace::seconds);
      program.wait();
      seconds.insert(seconds.end(), pending, since(begin) / double(pending));
    }
    std::ranges::sort(seconds);
    return seconds;
  };

  Benchmark b{bench.session.backend(), bench.session.describe(), bench.batch(), steps, warm_up, 0, 0, 0, {}, {}};
  train(1);
  b.first_step = since(start);
  train(warm_up - 1);
  const std::vector<double> seconds = train(steps);
  b.fastest = seconds.front(), b.median = seconds[seconds.size() / 2];

  const int64_t looked_at = std::min<int64_t>(steps, 32);
  program.profile(true);
  train(looked_at);
  b.ops = program.profile(false);
  for (auto& op : b.ops) op.seconds /= double(looked_at);
  b.layers = program::by_path(b.ops);
  return b;
}

}  // namespace

Benchmark benchmark(const Experiment& experiment, Catalogue& catalogue, int64_t steps, int64_t warm_up) {
  return with_exit(Exit::experiment, [&] { return measured(experiment, catalogue, steps, warm_up); });
}

}  // namespace lamina::compare
