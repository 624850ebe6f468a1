// What backends have in common, as a user sees it: runs that change over, comparisons, benchmarks.
#include <doctest/doctest.h>
#include <signal.h>

#include "integration/run_bench.hpp"
#include "record/hdf5.hpp"
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

TEST_CASE("predict answers for a file and for a split, evaluate scores other data and keeps nothing of it") {
  const RunBench bench;
  REQUIRE(bench.begin()->wait() == 0);
  const auto path = [&](const char* name) { return (bench.scratch.path / name).string(); };
  const H5Reader data(path("data.h5"));
  {
    H5Writer out(path("in.h5"));
    out.write("input", data.read("test/input"));
    out.commit();
  }
  CHECK(bench.start({"predict", bench.run.string(), path("in.h5"), path("file.h5")})->wait() == 0);
  CHECK(bench.start({"predict", bench.run.string(), path("split.h5"), "--split", "test"})->wait() == 0);
  const Array file = H5Reader(path("file.h5")).read("prediction"), split = H5Reader(path("split.h5")).read("prediction");
  CHECK(file.shape == Shape{11, 3});
  CHECK(file.shape == split.shape);
  CHECK(file.bytes == split.bytes);
  CHECK(H5Reader(path("split.h5")).read("sample").shape == Shape{11});
  CHECK(H5Reader(path("split.h5")).attribute_text("", "split") == "test");
  CHECK(bench.start({"predict", bench.run.string(), path("split.h5"), "--split", "train"})->wait() == 0);  // replaces its own
  CHECK(bench.start({"predict", bench.run.string(), path("data.h5"), "--split", "test"})->wait() == 2);
  CHECK_HAS(content(bench.log), "data.h5 is there already and bears no mark of `lamina predict`");
  CHECK(bench.start({"predict", bench.run.string(), path("small.json"), "--split", "test"})->wait() == 2);
  CHECK(bench.start({"predict", bench.run.string(), path("split.h5"), "--split", "tset"})->wait() == 2);
  CHECK_HAS(content(bench.log), "no split \"tset\"; there is: train, validation, test");

  {
    H5Writer out(path("other.h5"));
    for (const char* name : {"train", "validation"})
      for (const char* column : {"/input", "/target"}) out.write(std::string(name) + column, data.read(std::string(name) + column));
    for (const char* column : {"/input", "/target"}) out.write(std::string("test") + column, data.read(std::string("train") + column));
    out.commit();
  }
  const double before = H5Reader(bench.run / "run.h5").attribute_number("evaluation/test", "loss");
  CHECK(bench.start({"evaluate", bench.run.string(), "--set", "dataset.path=" + path("other.h5")})->wait() == 0);
  CHECK_HAS(content(bench.log), "test  loss ");
  CHECK_HAS(content(bench.log), "not kept in run.h5");
  CHECK(H5Reader(bench.run / "run.h5").attribute_number("evaluation/test", "loss") == before);
  CHECK(
      bench.start({"predict", bench.run.string(), path("other_split.h5"), "--split", "test", "--set", "dataset.path=" + path("other.h5")})
          ->wait() == 0);
  CHECK(H5Reader(path("other_split.h5")).read("prediction").shape == Shape{75, 3});
}

TEST_CASE("bench tells the time of a step and of each layer, and leaves nothing behind") {
  const RunBench bench;
  CHECK(bench.start({"bench", bench.experiment.string(), "--steps", "12", "--warm-up", "2", "--backend", "cpu"})->wait() == 0);
  CHECK_HAS(content(bench.log), " ms in the median of 12");
  CHECK_HAS(content(bench.log), "\nc1 ");
  CHECK_HAS(content(bench.log), "\noptimizer ");
  CHECK_FALSE(std::filesystem::exists(bench.runs));
}
