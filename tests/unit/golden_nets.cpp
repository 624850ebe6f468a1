// Five training steps of four nets with every optimizer against PyTorch's, from the experiment file to the checkpoint.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>

#include "record/journal.hpp"
#include "support/golden.hpp"
#include "support/plugins.hpp"
#include "train/run.hpp"
#include "train/run_folder.hpp"

using namespace lamina;
using namespace lamina::test;
namespace fs = std::filesystem;

namespace {

/// A folder that is removed at the end; in memory where that can be had, because every run waits for the disk a dozen times.
struct TemporaryFolder {
  TemporaryFolder() {
    const fs::path memory = "/dev/shm";
    std::string name = ((access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path()) / "lamina-golden-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()));
    path = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

std::vector<double> doubles(const lamina::Array& a) { return from_bytes(a.dtype, a.shape, a.bytes.data()).data; }

/// Distances of one run; those of tensors are of their change in the five steps.
struct Distances {
  double all = 0, worst = 0, losses = 0, scores = 0;
  std::string worst_tensor;
};

std::map<std::string, std::vector<double>> trained(const RunReport& report) {
  std::vector<std::string> damaged;
  std::map<std::string, std::vector<double>> tensors;
  const auto checkpoint = RunFolder::open(report.folder).newest(damaged);
  REQUIRE(checkpoint);
  for (auto& t : checkpoint->tensors) tensors[t.name] = doubles(t.array);
  return tensors;
}

Distances run(const std::string& net, const std::string& optimizer, const Json& settings, const Backend& backend, const H5Reader& golden,
              bool with_slots, const fs::path& runs) {
  const Experiment experiment =
      load_experiment(golden_folder / (net + ".json"), plugins(), {"optimizer=" + to_text(settings, false), "backend=" + backend.json()});
  Watcher silent;
  const RunReport report = run_experiment(experiment, plugins(), {runs, {}, "test"}, silent);
  CHECK(report.steps == 5);

  const H5Reader start(golden_folder / (net + "_weights.h5"));
  const std::string expected = optimizer + "/";
  auto tensors = trained(report);
  Distances d;
  std::vector<double> moved, moved_reference;  // all parameters and statistics as one vector
  std::vector<std::string> seen;
  const auto hold = [&](const std::string& name, const std::vector<double>& change, const std::vector<double>& reference) {
    const double off = relative_distance(change, reference);
    if (off >= d.worst) d.worst = off, d.worst_tensor = name;
    seen.push_back(name);
  };
  for (auto& path : names_below(golden, expected + "model/")) {
    const std::string name = "model/" + path;
    const std::vector<double> before = start.read_float64(path);
    REQUIRE_MESSAGE(tensors.contains(name), name);
    const auto change = difference(tensors[name], before), reference = difference(golden.read_float64(expected + name), before);
    CHECK_MESSAGE(norm(reference) > 0, name, " does not move, so it shows nothing");
    hold(name, change, reference);
    moved.insert(moved.end(), change.begin(), change.end());
    moved_reference.insert(moved_reference.end(), reference.begin(), reference.end());
  }
  if (!with_slots)
    std::erase_if(tensors, [](auto& t) { return t.first.starts_with("optimizer/"); });
  else if (settings.find("type")->text() != "sgd")
    for (auto& path : names_below(golden, expected + "optimizer/"))
      hold("optimizer/" + path, tensors["optimizer/" + path], golden.read_float64(expected + "optimizer/" + path));
  CHECK_MESSAGE(seen.size() == tensors.size(), "the checkpoint has ", tensors.size(), " tensors, ", seen.size(), " are compared");
  d.all = relative_distance(moved, moved_reference);

  const JournalRows rows = read_journal(report.folder / "metrics.jsonl");
  d.losses = relative_distance(rows.at("step").find("loss")->reals, golden.read_float64(expected + "loss"));
  for (auto& [score, value] : report.evaluations.at("test"))
    d.scores = std::max(d.scores, relative_distance({value}, golden.read_float64(expected + "test/" + score)));
  fs::remove_all(report.folder);
  return d;
}

}  // namespace

TEST_CASE("five training steps are PyTorch's") {
  std::vector<std::string> left_out;
  std::vector<Backend> backends = backends_under_test(left_out);
  backends.insert(backends.begin(), reference64);
  const TemporaryFolder runs;
  std::string table = "distances: of the change of all tensors, of the worst tensor, of the losses, of the scores afterwards\n";
  for (const fs::path& file : golden_files("optimizers")) {
    const Json optimizers = golden_json(file.filename());
    const std::string suffix = file.stem().string().substr(std::string("optimizers").size());  // "_rules"
    size_t trained_nets = 0;
    for (const std::string net : {"lenet", "residual", "series", "volume"}) {
      const fs::path reference = golden_folder / (net + "_trained" + suffix + ".h5");
      if (!fs::exists(reference)) continue;
      const H5Reader golden(reference);
      const bool with_slots = std::ranges::any_of(golden.names(), [](auto& n) { return n.find("/optimizer/") != n.npos; });
      ++trained_nets;
      for (auto& [optimizer, settings, _] : optimizers.members()) {
        for (size_t k = 0; k < backends.size(); ++k) {
          const Backend& backend = backends[k];
          const bool other_kernels = k > 0 && backends[k - 1].name == backend.name && !backend.kernels.empty();
          if (other_kernels && (optimizer != optimizers.members()[0].key || !suffix.empty())) continue;  // optimizers do not use them
          if (k > 0 && !with_slots) continue;  // each step is held to the reference by the proof of the optimizer
          INFO(net, ", ", optimizer, ", ", backend.text());
          Distances d;
          try {
            d = run(net, optimizer, settings, backend, golden, with_slots, runs.path);
          } catch (const std::exception& e) {
            FAIL_CHECK(std::string(e.what()));
            continue;
          }
          const bool exact = backend.precision == "float64";
          CHECK(d.all <= (exact ? 1e-9 : 1e-4));
          CHECK_MESSAGE(d.worst <= (exact ? 1e-9 : 1e-4), d.worst_tensor);
          CHECK(d.losses <= (exact ? 1e-11 : 1e-5));
          CHECK(d.scores <= (exact ? 1e-11 : 1e-4));
          char line[200];
          std::snprintf(line, sizeof line, "%-9s %-17s %-18s %8.1e %8.1e %8.1e %8.1e  %s\n", net.c_str(), optimizer.c_str(),
                        backend.text().c_str(), d.all, d.worst, d.losses, d.scores, d.worst_tensor.c_str());
          table += line;
        }
      }
    }
    CHECK_MESSAGE(trained_nets >= 3, file.string(), " goes with ", trained_nets, " nets");
  }
  MESSAGE(table);
  for (auto& name : left_out) MESSAGE("backend ", name, " has no device here and is not tested");
}
