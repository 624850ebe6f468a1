// Tensors of chosen steps: they are what the step computes, they survive a stop, and they change nothing.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "base/glob.hpp"
#include "record/hdf5_reader.hpp"
#include "support/train_bench.hpp"
#include "train/run_folder.hpp"

using namespace lamina;
using namespace lamina::test;
namespace fs = std::filesystem;

namespace {

#define CHECK_HAS(text, part) CHECK_MESSAGE(std::string(text).find(part) != std::string::npos, (text))

std::vector<float> floats(const Array& a) {
  std::vector<float> values(a.bytes.size() / sizeof(float));
  std::memcpy(values.data(), a.bytes.data(), a.bytes.size());
  return values;
}

}  // namespace

TEST_CASE("a * in a name stands for any characters") {
  CHECK(matches("*", "res1/conv1/weight"));
  CHECK(matches("res*/conv1/*", "res1/conv1/weight"));
  CHECK(matches("*weight", "weight/weight"));
  CHECK(matches("c1", "c1"));
  CHECK_FALSE(matches("c1", "c11"));
  CHECK_FALSE(matches("*/bias", "c1/weight"));
  CHECK_FALSE(matches("", "c1"));
}

TEST_CASE("recorded tensors are the step's, also after a stop, and no bit of the run changes") {
  SmallRuns runs;
  const std::vector<std::string> recording = {
      R"(record={"every_steps": 10, "steps": [11, 2], "activations": ["c1", "*dropout*"], "gradients": ["*/weight"], "weights": ["logits/*", "*running_mean"]})"};
  const RunReport plain = runs.run(), whole = runs.run(recording);
  CHECK(outcome(whole.folder).tensors == outcome(plain.folder).tensors);
  CHECK(outcome(whole.folder).journal.at("step").size() == outcome(plain.folder).journal.at("step").size());

  const H5Reader file(whole.folder / "run.h5");
  CHECK(file.read_int64("record/step") == std::vector<int64_t>{2, 10, 11, 20, 30, 40});
  const Array c1 = file.read("record/activations/c1"), gradient = file.read("record/gradients/c1/weight"),
              weight = file.read("record/weights/logits/weight");
  CHECK(c1.shape == Shape{6, 8, 4, 8, 8});
  CHECK(gradient.shape == Shape{6, 4, 1, 3, 3});
  CHECK(file.read("record/activations/dropout_1").shape[1] == 8);
  CHECK(file.contains("record/weights/batch_norm_1/running_mean"));
  CHECK_FALSE(file.contains("record/gradients/logits/bias"));
  const std::vector<float> values = floats(c1);
  const size_t sample = 4 * 8 * 8, step = 8 * sample;
  for (size_t k = 0; k < 6; ++k)
    for (size_t i = 0; i < 8; ++i) {
      CAPTURE(k);
      CAPTURE(i);
      const bool lacking = k != 0 && k != 2 && i >= 3;  // the last batch of an epoch has 3 samples
      CHECK(std::isnan(values[k * step + i * sample]) == lacking);
    }
  // Of 10 steps a checkpoint is kept, whose weights step 11 begins with.
  const RunReport stopped = runs.run(recording, 10);
  const Checkpoint ten = read_checkpoint(RunFolder::look(stopped.folder).checkpoint(10));
  for (auto& t : ten.tensors)
    if (t.name == "model/logits/weight") {
      const std::vector<float> before = floats(t.array), recorded = floats(weight);
      CHECK(std::equal(before.begin(), before.end(), recorded.begin() + ptrdiff_t(2 * before.size())));
    }
  // Adam's first moment after two steps: 0.1 · (0.9 · g1 + g2), from an empty one. Recorded at 1 and 2, both gradients are known.
  const RunReport two = runs.run({R"(record={"steps": [1, 2], "gradients": ["logits/weight"]})"}, 2);
  const std::vector<float> both = floats(H5Reader(two.folder / "run.h5").read("record/gradients/logits/weight"));
  size_t seen = 0;
  for (auto& t : read_checkpoint(RunFolder::look(two.folder).checkpoint(2)).tensors) {
    if (t.name != "optimizer/mean/logits/weight") continue;
    const std::vector<float> moment = floats(t.array);
    for (size_t i = 0; i < moment.size(); ++i, ++seen)
      CHECK(moment[i] == doctest::Approx(0.1 * (0.9 * both[i] + both[moment.size() + i])).epsilon(1e-4));
  }
  CHECK(seen > 0);

  for (const int64_t first : {9, 10, 15}) {
    RunReport report = runs.run(recording, first);
    if (first == 15) fs::remove(RunFolder::look(report.folder).checkpoint(15));  // from 12 on once more
    report = runs.resume(report.folder);
    const H5Reader again(report.folder / "run.h5");
    CHECK(difference(outcome(report.folder), outcome(whole.folder)) == "");
    for (auto& name : file.names())
      if (name.starts_with("record/")) CHECK(again.read(name) == file.read(name));
  }
  evaluate_run(whole.folder, "test", {}, all_plugins());
  CHECK(H5Reader(whole.folder / "run.h5").read("record/activations/c1") == c1);
}

TEST_CASE("a damaged file of recorded tensors is told and left out, and nothing else is lost") {
  SmallRuns runs;
  const RunReport stopped = runs.run({R"(record={"steps": [2, 5, 12], "weights": ["c1/weight"]})"}, 15);
  const RunFolder folder = RunFolder::look(stopped.folder);
  const Array before = H5Reader(folder.snapshot()).read("record/weights/c1/weight");
  REQUIRE(before.shape[0] == 3);
  fs::resize_file(folder.recorded(5), fs::file_size(folder.recorded(5)) / 2);
  const Evaluated evaluated = evaluate_run(stopped.folder, "test", {}, all_plugins());
  REQUIRE(evaluated.warnings.size() == 1);
  CHECK_HAS(evaluated.warnings[0], "What was recorded of step 5 is left out.");
  CHECK(H5Reader(folder.snapshot()).read_int64("record/step") == std::vector<int64_t>{2, 12});
  runs.seen.warnings.clear();
  CHECK(runs.resume(stopped.folder).complete);
  REQUIRE(runs.seen.warnings.size() == 1);
  CHECK_HAS(runs.seen.warnings[0], "What was recorded of step 5 is left out.");
  const H5Reader after(folder.snapshot());
  CHECK(after.read_int64("record/step") == std::vector<int64_t>{2, 12});
  const std::vector<float> three = floats(before), two = floats(after.read("record/weights/c1/weight"));
  const size_t each = three.size() / 3;
  REQUIRE(two.size() == 2 * each);
  CHECK(std::equal(two.begin(), two.begin() + ptrdiff_t(each), three.begin()));
  CHECK(std::equal(two.begin() + ptrdiff_t(each), two.end(), three.begin() + ptrdiff_t(2 * each)));
}

TEST_CASE("epochs are recorded by their first step") {
  SmallRuns runs;
  const RunReport report = runs.run({R"(record={"every_epochs": 3, "weights": ["c1/weight"]})"});
  CHECK(H5Reader(report.folder / "run.h5").read_int64("record/step") == std::vector<int64_t>{1, 31});
}

TEST_CASE("what cannot be recorded is told before anything runs") {
  SmallRuns runs;
  const auto told = [&](const std::string& record, const std::string& part) {
    const auto [code, sentence] = failure([&] { check_experiment(runs.load({"record=" + record}), all_plugins()); });
    CHECK(code == 3);
    CHECK_HAS(sentence, part);
  };
  told(R"({"every_steps": 1, "activations": ["c2"]})", "no layer is named \"c2\"");
  told(R"({"every_steps": 1, "gradients": ["logits/wieght"]})", "did you mean \"logits/weight\"?");
  told(R"({"every_steps": 1})", "what to record is missing");
  told(R"({"weights": ["*"]})", "when to record is missing");
  const auto [code, sentence] = failure([&] {
    check_experiment(runs.load({R"(record={"every_steps": 1, "activations": ["c1"]})", "training.epochs=100000"}), all_plugins());
  });
  CHECK(code == 3);
  CHECK_HAS(sentence, "1,000,000 steps of 8.0 KiB each are more than the 256.0 MiB that a run may record");
}
