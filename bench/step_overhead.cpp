// What a training step costs outside of its program: bench_step_overhead [rows of the journal are written every N steps = 10].
// A backend that returns at once runs a small network with the real step loop; the time per step is the difference of a long and a short
// run. Printed: microseconds per step. DESIGN allows 1.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "cli/program.hpp"
#include "plugin/registry.hpp"
#include "record/hdf5.hpp"
#include "train/run.hpp"

using namespace lamina;
namespace fs = std::filesystem;

int main(int count, char** arguments) try {
  if (const auto code = child_main(count, arguments, cli::child_jobs())) return *code;
  const std::string every = count > 1 ? arguments[1] : "10";
  std::string name = (fs::temp_directory_path() / "lamina-bench-XXXXXX").string();
  const fs::path folder = mkdtemp(name.data());
  constexpr int64_t steps = 200000, batch = 4;
  {
    H5Writer data(folder / "data.h5");
    data.write("train/input", DType::float32, {steps * batch, 8}, std::vector<float>(size_t(steps * batch * 8), 1).data());
    data.write("train/target", DType::uint8, {steps * batch}, std::vector<uint8_t>(size_t(steps * batch), 1).data());
    data.commit();
  }
  Registry registry({LAMINA_PLUGINS, LAMINA_BENCH_PLUGINS});
  const auto seconds = [&](int64_t steps) {
    const Experiment x = load_experiment(R"({"name": "overhead", "dataset": {"type": "hdf5", "path": "data.h5"},
      "network": {"layers": [{"type": "dense", "units": 16}, {"type": "relu"}, {"type": "dropout"}, {"type": "dense", "units": 2}]},
      "loss": {"type": "cross_entropy"}, "optimizer": {"type": "adam", "learning_rate": 0.001}, "schedule": {"type": "cosine"},
      "training": {"steps": )" + std::to_string(steps) +
                                             R"(, "batch_size": 4}, "backend": {"type": "null"},
      "logging": {"every_steps": )" + every + "}}",
                                         folder / "overhead.json", registry);
    Watcher silent;
    return run_experiment(x, registry, {folder / "runs", {}, "bench_step_overhead"}, silent).seconds;
  };
  std::vector<double> times;
  for (int i = 0; i < 5; ++i) times.push_back((seconds(steps) - seconds(steps / 10)) / (double(steps) * 0.9) * 1e6);
  std::sort(times.begin(), times.end());
  std::printf("%.3f us per step outside of the program, a row of the journal every %s steps (median of 5; fastest %.3f, slowest %.3f)\n",
              times[2], every.c_str(), times[0], times[4]);
  fs::remove_all(folder);
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "error: %s\n", e.what());
  return 1;
}
