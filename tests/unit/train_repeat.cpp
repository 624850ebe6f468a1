// The same run gives the same bits: twice, stopped and resumed, watched or not.
#include <doctest/doctest.h>
#include <fcntl.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <numeric>

#include "record/hdf5.hpp"
#include "record/hdf5_reader.hpp"
#include "support/train_bench.hpp"
#include "train/run_folder.hpp"

using namespace lamina;
using namespace lamina::test;
namespace fs = std::filesystem;

namespace {

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void replace(const fs::path& file, const std::string& from, const std::string& to) {
  std::string text = content(file);
  const size_t at = text.find(from);
  REQUIRE(at != text.npos);
  std::ofstream(file, std::ios::binary) << text.replace(at, from.size(), to);
}
std::string status_of(const fs::path& run) { return H5Reader(run / "run.h5").attribute_text("provenance", "status"); }
/// The weights alone, for runs whose journals differ.
std::vector<NamedArray> weights(const fs::path& run) { return outcome(run).tensors; }

#define CHECK_HAS(text, part) CHECK_MESSAGE(std::string(text).find(part) != std::string::npos, (text))

}  // namespace

TEST_CASE("the same run twice is equal bit for bit") {
  for (const char* backend :
       {R"({"type": "cpu", "threads": 2})", R"({"type": "reference"})", R"({"type": "reference", "precision": "float32"})"}) {
    CAPTURE(backend);
    SmallRuns runs(backend);
    const fs::path a = runs.run().folder, b = runs.run().folder;
    CHECK(a.filename() == "small-1");
    CHECK(b.filename() == "small-2");
    CHECK(difference(outcome(a), outcome(b)) == "");
    CHECK(outcome(a).step == 40);
  }
}

TEST_CASE("other seeds give other runs") {
  SmallRuns runs;
  CHECK(difference(outcome(runs.run().folder), outcome(runs.run({"seed=8"}).folder)) != "");
}

TEST_CASE("stopped at any step and resumed several times, a run equals the whole one") {
  SmallRuns runs;
  const RunReport whole = runs.run();
  const Outcome expected = outcome(whole.folder);
  for (int64_t first : {1, 3, 9, 10, 11, 39}) {
    CAPTURE(first);
    RunReport report = runs.run({}, first);
    CHECK(report.steps == first);
    CHECK(report.evaluations.empty());
    CHECK(status_of(report.folder) == "stopped");
    for (int64_t next : {first, int64_t(17), int64_t(25)})
      if (report.steps < 40) report = runs.resume(report.folder, std::max(next, report.steps));
    report = runs.resume(report.folder);
    CHECK(report.steps == 40);
    CHECK(difference(outcome(report.folder), expected) == "");
    CHECK(report.evaluations == whole.evaluations);
    CHECK(status_of(report.folder) == "finished");
  }
}

TEST_CASE("resuming a finished run changes nothing") {
  SmallRuns runs;
  const RunReport whole = runs.run();
  const std::string snapshot = content(whole.folder / "run.h5"), journal = content(whole.folder / "metrics.jsonl");
  const RunReport again = runs.resume(whole.folder);
  CHECK(again.steps == 40);
  CHECK(again.evaluations == whole.evaluations);
  CHECK(content(whole.folder / "run.h5") == snapshot);
  CHECK(content(whole.folder / "metrics.jsonl") == journal);
}

TEST_CASE("a resumed run keeps what is known of its start") {
  SmallRuns runs;
  const RunReport report = runs.run({"seed=3"}, 12);
  const auto told = [&](const char* name) { return H5Reader(report.folder / "run.h5").attribute_text("provenance", name); };
  const std::string started = told("started");
  runs.resume(report.folder);
  CHECK(told("started") == started);
  CHECK(told("command") == "test");
  CHECK(told("dataset_sha256").size() == 64);
  CHECK(H5Reader(report.folder / "run.h5").read_texts("config/overrides") == std::vector<std::string>{"seed=3"});
}

TEST_CASE("validation, logging and checkpoints do not touch the weights") {
  SmallRuns runs;
  const auto expected = weights(runs.run().folder);
  CHECK(weights(runs.run({"logging.every_steps=7"}).folder) == expected);
  CHECK(weights(runs.run({"checkpoint.every_steps=40", "checkpoint.every_epochs=4"}).folder) == expected);
  CHECK(weights(runs.run({"dataset.validation_input=", "dataset.validation_target=", "metrics=[]"}).folder) == expected);
}

TEST_CASE("a damaged checkpoint gives way to the one before") {
  SmallRuns runs;
  const Outcome expected = outcome(runs.run().folder);
  const fs::path folder = runs.run({}, 20).folder;
  const auto steps = RunFolder::look(folder).checkpoints();
  REQUIRE(steps.size() == 2);
  CHECK(steps[0] == 20);
  SUBCASE("cut short") { fs::resize_file(RunFolder::look(folder).checkpoint(20), 5000); }
  SUBCASE("empty") { fs::resize_file(RunFolder::look(folder).checkpoint(20), 0); }
  SUBCASE("a bit of a weight turned") {
    const fs::path file = RunFolder::look(folder).checkpoint(20);
    std::string bytes = content(file);
    const Array weight = H5Reader(file).read("model/c1/weight");
    const size_t at = bytes.find(std::string(reinterpret_cast<const char*>(weight.bytes.data()), weight.bytes.size()));
    REQUIRE(at != bytes.npos);
    bytes[at] = char(bytes[at] ^ 1);
    std::ofstream(file, std::ios::binary) << bytes;
  }
  runs.resume(folder);
  REQUIRE(runs.seen.warnings.size() >= 1);
  CHECK_HAS(runs.seen.warnings[0], "000000020.h5");
  CHECK(difference(outcome(folder), expected) == "");
}

TEST_CASE("without any checkpoint a run begins anew") {
  SmallRuns runs;
  const Outcome expected = outcome(runs.run().folder);
  const fs::path folder = runs.run({}, 20).folder;
  for (int64_t step : RunFolder::look(folder).checkpoints()) fs::remove(RunFolder::look(folder).checkpoint(step));
  runs.resume(folder);
  CHECK(difference(outcome(folder), expected) == "");
}

TEST_CASE("what was recorded must come again") {
  SmallRuns runs;
  const fs::path folder = runs.run({}, 11).folder;
  fs::remove(RunFolder::look(folder).checkpoint(11));  // so it is done once more, from step 10
  replace(folder / "metrics.jsonl", R"("step":11,"epoch":2,)", R"("step":11,"epoch":1,)");
  const auto [code, sentence] = failure([&] { runs.resume(folder); });
  CHECK(code == 1);
  CHECK_HAS(sentence, "In step 11 of the resumed run the column \"epoch\" is 2");
  CHECK(status_of(folder) == "failed");
}

TEST_CASE("a torn last line of the journal is cut off, other damage is told") {
  SmallRuns runs;
  const Outcome expected = outcome(runs.run().folder);
  const fs::path folder = runs.run({}, 11).folder;
  std::ofstream(folder / "metrics.jsonl", std::ios::app) << R"({"kind":"step","st)";
  SUBCASE("torn") {
    runs.resume(folder);
    CHECK(difference(outcome(folder), expected) == "");
  }
  SUBCASE("damaged") {
    replace(folder / "metrics.jsonl", R"("step":4,)", R"("step":x,)");
    const auto [code, sentence] = failure([&] { runs.resume(folder); });
    CHECK(code == 3);
    CHECK_HAS(sentence, "metrics.jsonl:4: the journal is damaged");
  }
}

TEST_CASE("only the same device goes on with a run") {
  SmallRuns runs;
  const fs::path folder = runs.run({}, 11).folder;
  SUBCASE("other threads") { replace(folder / "resolved.json", R"("threads": 2)", R"("threads": 1)"); }
  SUBCASE("other backend") {
    const fs::path other = runs.run({R"(backend={"type": "reference"})"}, 2).folder;
    fs::copy_file(other / "resolved.json", folder / "resolved.json", fs::copy_options::overwrite_existing);
  }
  const auto [code, sentence] = failure([&] { runs.resume(folder); });
  CHECK(code == 5);
  CHECK_HAS(sentence, "only the same gives the same bits");
}

TEST_CASE("named, another backend goes on with a run, with a warning and a journal of its own steps") {
  SmallRuns runs;
  const fs::path folder = runs.run({}, 12).folder;
  const auto step_losses = [&] { return read_journal(folder / "metrics.jsonl").at("step").find("loss")->reals; };
  const std::vector<double> before = step_losses();
  fs::remove(RunFolder::look(folder).checkpoint(12));  // goes on from step 10; the epoch's row of that step stays
  const std::vector<std::string> reference = {"backend.type=reference"};
  const RunReport report = resume_run(folder, all_plugins(), {runs.runs, {}, "test", false, reference}, runs.seen);
  CHECK(report.steps == 40);
  REQUIRE(runs.seen.warnings.size() == 2);
  CHECK_HAS(runs.seen.warnings[0], "was made on backend \"cpu\", this is \"reference\"; what follows may differ in its bits");
  CHECK_HAS(runs.seen.warnings[1], "was made on device");
  const std::vector<double> after = step_losses();
  REQUIRE(after.size() == 40);
  for (size_t i = 0; i < 10; ++i) CHECK(after[i] == before[i]);
  CHECK(after[10] == doctest::Approx(before[10]).epsilon(1e-4));
  CHECK(after[10] != before[10]);  // float32, but other sums
  const H5Reader file(folder / "run.h5");
  CHECK(file.attribute_text("provenance", "backend") == "reference");
  CHECK(file.read_texts("config/overrides") == reference);
  CHECK(read_journal(folder / "metrics.jsonl").at("epoch").size() == 4);
}

TEST_CASE("a run that is resumed on the backend it came from has the same bits, however that is said") {
  SmallRuns runs;
  const Outcome expected = outcome(runs.run().folder);
  const fs::path folder = runs.run({}, 12).folder;
  resume_run(folder, all_plugins(), {runs.runs, {}, "test", false, {"backend.type=cpu", "backend.threads=2"}}, runs.seen);
  CHECK(difference(outcome(folder), expected) == "");
  CHECK(runs.seen.warnings.empty());
}

TEST_CASE("without any checkpoint another backend begins anew, and so does its journal") {
  SmallRuns runs;
  const fs::path folder = runs.run({}, 12).folder;
  for (int64_t step : RunFolder::look(folder).checkpoints()) fs::remove(RunFolder::look(folder).checkpoint(step));
  const std::vector<std::string> reference = {"backend.type=reference"};
  CHECK(resume_run(folder, all_plugins(), {runs.runs, {}, "test", false, reference}, runs.seen).steps == 40);
  CHECK(read_journal(folder / "metrics.jsonl").at("step").size() == 40);
}

TEST_CASE("a profile is taken of a stretch of steps, stays in the record, and does not touch the bits") {
  SmallRuns runs;
  const RunReport whole = runs.run();
  const RunReport report = run_experiment(runs.load(), all_plugins(), {runs.runs, 30, "test", true}, runs.seen);
  const auto check = [&] {
    const H5Reader file(report.folder / "run.h5");
    CHECK(file.attribute_integer("profile", "first_step") == 17);
    CHECK(file.attribute_integer("profile", "steps") == 12);  // to 30, but for steps 20 and 30, whose batch is smaller
    const auto layers = file.read_texts("profile/layer/layer");
    const auto seconds = file.read_float64("profile/layer/seconds"), ops = file.read_float64("profile/op/seconds");
    REQUIRE(seconds.size() == layers.size());
    CHECK(layers[0] == "c1");
    CHECK(seconds[0] > 0);
    CHECK(file.read_texts("profile/op/name").size() == ops.size());
    CHECK(file.read_texts("profile/op/layer").size() == ops.size());
    CHECK(std::accumulate(seconds.begin(), seconds.end(), 0.0) == doctest::Approx(std::accumulate(ops.begin(), ops.end(), 0.0)));
  };
  check();
  runs.resume(report.folder);
  check();
  CHECK(difference(outcome(report.folder), outcome(whole.folder)) == "");
}

TEST_CASE("a changed experiment is told") {
  SmallRuns runs;
  const fs::path folder = runs.run({}, 11).folder;
  replace(folder / "resolved.json", R"("keep": 2)", R"("keep": 3)");
  runs.resume(folder);
  REQUIRE(runs.seen.warnings.size() == 1);
  CHECK_HAS(runs.seen.warnings[0], "experiment is another one than at the checkpoint");
}

TEST_CASE("journal and snapshot agree column by column") {
  SmallRuns runs;
  const fs::path folder = runs.resume(runs.run({}, 23).folder).folder;
  const H5Reader file(folder / "run.h5");
  for (auto& [kind, rows] : read_journal(folder / "metrics.jsonl"))
    for (auto& column : rows.columns) {
      CAPTURE(column.name);
      const std::string path = "metrics/" + kind + "/" + column.name;
      if (column.real)
        CHECK(file.read_float64(path) == column.reals);
      else
        CHECK(file.read_int64(path) == column.integers);
    }
}

TEST_CASE("a run that diverges ends with its own exit code, or passes the steps over") {
  SmallRuns runs;
  std::ofstream(runs.scratch.path / "nan.h5", std::ios::binary) << content(runs.scratch.path / "data.h5");
  const Array input = H5Reader(runs.scratch.path / "data.h5").read("train/input");
  std::string bytes = content(runs.scratch.path / "nan.h5");
  const size_t at = bytes.find(std::string(reinterpret_cast<const char*>(input.bytes.data()), 400));
  REQUIRE(at != bytes.npos);
  const float nan = std::nanf("");
  bytes.replace(at, 4, reinterpret_cast<const char*>(&nan), 4);
  std::ofstream(runs.scratch.path / "nan.h5", std::ios::binary) << bytes;
  const std::string path = "dataset.path=" + (runs.scratch.path / "nan.h5").string();
  SUBCASE("stop") {
    const auto [code, sentence] = failure([&] { runs.run({path}); });
    CHECK(code == 6);
    CHECK_HAS(sentence, "the loss or a gradient is not finite");
    CHECK(status_of(runs.runs / "small-1") == "diverged");
    CHECK(failure([&] { runs.resume(runs.runs / "small-1"); }).first == 6);
  }
  SUBCASE("skip") {
    const fs::path folder = runs.run({path, "training.on_nonfinite=skip"}).folder;
    CHECK(runs.seen.warnings.size() == 4);  // once in each epoch
    for (auto& epoch : runs.seen.epochs) CHECK(std::isfinite(epoch.train_loss));
    for (auto& t : outcome(folder).tensors)
      for (size_t i = 0; i + 4 <= t.array.bytes.size(); i += 4) {
        float v;
        std::memcpy(&v, t.array.bytes.data() + i, 4);
        REQUIRE(std::isfinite(v));
      }
  }
}

TEST_CASE("evaluation of a stopped run joins its record") {
  SmallRuns runs;
  const fs::path folder = runs.run({}, 15).folder;
  const Scores scores = evaluate_run(folder, "test", {}, all_plugins()).scores;
  REQUIRE(scores.size() == 2);
  CHECK(scores[0].first == "loss");
  CHECK(H5Reader(folder / "run.h5").attribute_number("evaluation/test", "loss") == scores[0].second);
  CHECK(status_of(folder) == "stopped");
  CHECK(failure([&] { evaluate_run(folder, "tset", {}, all_plugins()); }).first == 2);
  CHECK(failure([&] { evaluate_run(folder, "test", {folder / "run.h5"}, all_plugins()); }).first == 3);
}

TEST_CASE("another backend evaluates a run without changing what is said of its training") {
  SmallRuns runs;
  const fs::path folder = runs.run().folder;
  const Scores cpu = evaluate_run(folder, "test", {}, all_plugins()).scores;
  const Scores reference = evaluate_run(folder, "test", {}, all_plugins(), {"backend.type=reference"}).scores;
  CHECK(reference[0].second == doctest::Approx(cpu[0].second).epsilon(1e-4));
  CHECK(reference[0].second != cpu[0].second);
  const H5Reader file(folder / "run.h5");
  CHECK(file.attribute_text("provenance", "backend") == "cpu");
  CHECK_HAS(file.read_text("config/resolved"), "\"cpu\"");
  CHECK_HAS(file.attribute_text("evaluation/test", "device"), "reference: ");
  CHECK_HAS(file.attribute_text("evaluation/validation", "device"), "cpu: ");
}

TEST_CASE("open files are kept from child processes") {
  SmallRuns runs;
  const fs::path file = runs.scratch.path / "data.h5";
  const H5Reader reader(file);
  H5Writer writer(runs.scratch.path / "other.h5");
  const RunFolder folder = RunFolder::create(runs.runs, runs.load());
  const Journal journal(folder.journal());
  size_t seen = 0;
  for (auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const fs::path target = fs::read_symlink(entry.path(), gone);
    if (!target.string().starts_with(runs.scratch.path.string())) continue;
    CHECK_MESSAGE((fcntl(std::stoi(entry.path().filename().string()), F_GETFD) & FD_CLOEXEC) != 0, target);
    ++seen;
  }
  CHECK(seen >= 4);
}
