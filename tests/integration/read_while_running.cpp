// run.h5 can be opened at any moment of a run, by h5py where it is installed and by our own reader.
#include <doctest/doctest.h>

#include <fstream>

#include "integration/run_bench.hpp"
#include "record/hdf5_reader.hpp"

using namespace lamina;
using namespace lamina::test;
namespace fs = std::filesystem;

TEST_CASE("run.h5 opens at any moment, and agrees with the journal in the end") {
  const RunBench bench;
  auto child = bench.begin(3000);
  size_t times = 0, rows = 0;
  while (child->running()) {
    if (!fs::exists(bench.run / "run.h5")) continue;
    const H5Reader file(bench.run / "run.h5");
    ++times;
    if (!file.contains("metrics/step/step")) continue;
    const auto steps = file.read_int64("metrics/step/step");
    CHECK(file.read_float64("metrics/step/loss").size() == steps.size());
    CHECK(steps.size() >= rows);
    rows = steps.size();
  }
  CHECK(child->wait() == 0);
  CHECK(times > 20);
  CHECK(rows >= 30);
  const H5Reader file(bench.run / "run.h5");
  for (auto& [kind, all] : read_journal(bench.run / "metrics.jsonl"))
    for (auto& column : all.columns) {
      const std::string path = "metrics/" + kind + "/" + column.name;
      if (column.real)
        CHECK(file.read_float64(path) == column.reals);
      else
        CHECK(file.read_int64(path) == column.integers);
    }
}

TEST_CASE("h5py opens run.h5 at any moment and finds named axes") {
  const RunBench bench;
  const std::string python = "/usr/bin/python3", script = LAMINA_SOURCE "/tests/integration/read_run.py";
  if (!fs::exists(python) || Child({python, "-c", "import h5py"}, bench.log.string()).wait() != 0) {
    MESSAGE("left out: there is no h5py here");
    return;
  }
  const fs::path log = bench.scratch.path / "python.log";
  Child watch({python, script, bench.run.string(), "watch"}, log.string());
  auto child = bench.begin(10000);
  CHECK_MESSAGE(child->wait() == 0, content(bench.log));
  std::ofstream(bench.runs / "stop") << "";
  CHECK_MESSAGE(watch.wait() == 0, content(log));
  const std::string said = content(log);
  REQUIRE(said.starts_with("read "));
  CHECK(std::stoi(said.substr(5)) > 10);
  MESSAGE(said);
  CHECK(Child({python, script, bench.run.string(), "compare"}, log.string()).wait() == 0);
  CHECK_MESSAGE(content(log).find("equal 13") != std::string::npos, content(log));
}
