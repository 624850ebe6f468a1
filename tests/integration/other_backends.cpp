// What backends have in common, as a user sees it: runs that change over, comparisons, benchmarks.
#include <doctest/doctest.h>
#include <signal.h>

#include "integration/run_bench.hpp"
#include "record/hdf5_reader.hpp"

using namespace lamina;
using namespace lamina::test;

#define CHECK_HAS(text, part) CHECK_MESSAGE((text).find(part) != std::string::npos, (text))

TEST_CASE("a killed run goes on on another backend, and its journal has every step once") {
  const RunBench bench;
  auto child = bench.begin(500);
  CHECK(until(*child, [&] { return journal_lines(bench.run) >= 18; }));
  child->send(SIGKILL);
  child->wait();
  CHECK(bench.start({"resume", bench.run.string(), "--backend", "reference"})->wait() == 0);
  CHECK_HAS(content(bench.log), "was made on backend \"cpu\", this is \"reference\"; what follows may differ in its bits");
  const Outcome o = outcome(bench.run);
  CHECK(o.step == 40);
  const std::vector<int64_t>& steps = o.journal.at("step")[0].integers;
  REQUIRE(steps.size() == 40);
  for (size_t i = 0; i < steps.size(); ++i) CHECK(steps[i] == int64_t(i) + 1);
  CHECK(H5Reader(bench.run / "run.h5").attribute_text("provenance", "backend") == "reference");

  CHECK(bench.start({"evaluate", bench.run.string(), "--backend", "cpu", "--set", "backend.threads=1"})->wait() == 0);
  CHECK_HAS(content(bench.log), "test  loss ");
  CHECK(H5Reader(bench.run / "run.h5").attribute_text("provenance", "backend") == "reference");
}

TEST_CASE("compare-backends ends with 0 within the tolerance and with 1 beyond it") {
  const RunBench bench;
  const auto compared = [&](std::vector<std::string> options) {
    std::vector<std::string> words = {"compare-backends",
                                      bench.experiment.string(),
                                      "--backends",
                                      "reference,cpu",
                                      "--set",
                                      R"(optimizer={"type": "momentum", "learning_rate": 0.01})"};
    words.insert(words.end(), options.begin(), options.end());
    return bench.start(words)->wait();
  };
  CHECK(compared({}) == 0);
  CHECK_HAS(content(bench.log), "cpu: all within the tolerance");
  CHECK(compared({"--tolerance", "1e-12", "--steps", "1"}) == 1);
  CHECK_HAS(content(bench.log), "cpu: first over the tolerance, forward: c1, ");
  CHECK_HAS(content(bench.log), "cpu: first over the tolerance, gradient: logits/");
  CHECK(compared({"--json"}) == 0);
  CHECK_HAS(content(bench.log), "\"within\": true");

  // A setting goes to the backends that take it.
  CHECK(compared({"--steps", "1", "--set", "backend.precision=bfloat16", "--set", "backend.products=bfloat16"}) == 1);
  CHECK_HAS(content(bench.log), "cpu: first over the tolerance, forward: ");
  CHECK(compared({"--steps", "1", "--set", "backend.precision=bfloat16", "--tolerance", "0.05"}) == 0);
  CHECK(compared({"--set", "backend.precison=bfloat16"}) == 3);
  CHECK_HAS(content(bench.log), "did you mean \"precision\"?");
}

TEST_CASE("bench tells the time of a step and of each layer, and leaves nothing behind") {
  const RunBench bench;
  CHECK(bench.start({"bench", bench.experiment.string(), "--steps", "12", "--warm-up", "2", "--backend", "cpu"})->wait() == 0);
  CHECK_HAS(content(bench.log), " ms in the median of 12");
  CHECK_HAS(content(bench.log), "\nc1 ");
  CHECK_HAS(content(bench.log), "\noptimizer ");
  CHECK_FALSE(std::filesystem::exists(bench.runs));
}
