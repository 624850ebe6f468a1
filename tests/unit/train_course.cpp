// How a run is validated, ended early, and which weights it keeps.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "record/hdf5_reader.hpp"
#include "support/train_bench.hpp"
#include "train/monitor.hpp"
#include "train/run_folder.hpp"

using namespace lamina;
using namespace lamina::test;
namespace fs = std::filesystem;

namespace {

#define CHECK_HAS(text, part) CHECK_MESSAGE(std::string(text).find(part) != std::string::npos, (text))

std::string status_of(const fs::path& run) { return H5Reader(run / "run.h5").attribute_text("provenance", "status"); }

/// A rate so large that validation gets worse after some epoch: 40 epochs at most.
const std::vector<std::string> stopping = {"training.epochs=40", R"(training.early_stopping={"patience": 2})", "training.keep_best=true",
                                           "optimizer.learning_rate=0.1", R"(schedule={"type": "constant"})"};

std::vector<double> column(const fs::path& run, const char* kind, const char* name) {
  return read_journal(run / "metrics.jsonl").at(kind).find(name)->reals;
}

}  // namespace

TEST_CASE("a monitor knows the best value and how long ago it came") {
  Monitor smallest({"loss", false, {}}, 0.1), largest({"accuracy", true, {}});
  CHECK_FALSE(smallest.see(NAN, 1, 1));
  CHECK(smallest.see(2, 2, 2));
  CHECK_FALSE(smallest.see(1.95, 3, 3));  // not by more than 0.1
  CHECK_FALSE(smallest.see(NAN, 4, 4));
  CHECK(smallest.since() == 2);
  std::map<std::string, StateValue> state;
  smallest.save("m", state);
  Monitor again({"loss", false, {}}, 0.1);
  again.restore("m", state);
  CHECK(again.since() == 2);
  CHECK(again.see(1.8, 5, 5));
  CHECK(again.step() == 5);
  CHECK(largest.see(-1, 1, 1));
  CHECK_FALSE(largest.see(-2, 2, 2));
  CHECK_FALSE(largest.see(-1, 3, 3));
  CHECK(largest.see(0, 4, 4));
}

TEST_CASE("a run that gets no better ends early, with its best weights, and again so when it was stopped in between") {
  SmallRuns runs;
  const RunReport whole = runs.run(stopping);
  const std::vector<double> losses = column(whole.folder, "epoch", "validation_loss");
  const size_t best = size_t(std::min_element(losses.begin(), losses.end()) - losses.begin());
  REQUIRE(losses.size() < 40);
  CHECK(losses.size() == best + 3);
  CHECK(whole.complete);
  CHECK(whole.steps == int64_t(losses.size()) * 10);
  CHECK_HAS(whole.early, "validation_loss was no better in 2 validations than ");
  CHECK_HAS(whole.early, "in epoch " + std::to_string(best + 1));
  CHECK(whole.weights.which == Weights::best);
  CHECK(whole.weights.epoch == int64_t(best) + 1);
  CHECK(whole.weights.value == losses[best]);
  CHECK(whole.evaluations.at("validation")[0].second == losses[best]);
  CHECK(status_of(whole.folder) == "stopped_early");
  const H5Reader file(whole.folder / "run.h5");
  CHECK(file.attribute_text("provenance", "reason") == whole.early);
  CHECK(file.attribute_text("evaluation/test", "weights") == "best");
  CHECK(file.attribute_integer("evaluation/test", "step") == int64_t(best + 1) * 10);

  const Evaluated same = evaluate_run(whole.folder, "validation", {}, all_plugins());
  CHECK(same.scores == whole.evaluations.at("validation"));
  CHECK(same.weights.which == Weights::best);
  const Evaluated last = evaluate_run(whole.folder, "validation", {{}, Weights::last}, all_plugins());
  CHECK(last.scores[0].second == losses.back());
  CHECK(last.weights.step == whole.steps);
  const RunReport nothing = runs.resume(whole.folder);
  CHECK(nothing.early == whole.early);
  CHECK(nothing.weights.step == whole.weights.step);

  const Outcome expected = outcome(whole.folder);
  const Checkpoint kept = read_checkpoint(RunFolder::look(whole.folder).best());
  const int64_t at = int64_t(best + 1) * 10;
  for (const int64_t first : {at - 1, at, at + 4, whole.steps - 1}) {
    CAPTURE(first);
    RunReport report = runs.run(stopping, first);
    CHECK(report.complete == false);
    if (first == at + 4) {  // the newest checkpoints are lost, the best weights are of a later step than what is left
      for (int64_t step : RunFolder::look(report.folder).checkpoints()) fs::remove(RunFolder::look(report.folder).checkpoint(step));
    }
    report = runs.resume(report.folder);
    CHECK(difference(outcome(report.folder), expected) == "");
    CHECK(report.evaluations == whole.evaluations);
    CHECK(read_checkpoint(RunFolder::look(report.folder).best()).tensors == kept.tensors);
  }
}

TEST_CASE("a larger accuracy is better, and the training loss can end a run without validation") {
  SmallRuns runs;
  const RunReport report = runs.run({R"(training.keep_best={"metric": "validation_accuracy", "mode": "max"})"});
  const auto accuracies = column(report.folder, "epoch", "validation_accuracy");
  CHECK(report.weights.value == *std::max_element(accuracies.begin(), accuracies.end()));
  CHECK(report.early == "");
  CHECK(status_of(report.folder) == "finished");
  const RunReport alone = runs.run({"dataset.validation_input=", "dataset.validation_target=", "training.epochs=30",
                                    "optimizer.learning_rate=0", R"(training.early_stopping={"metric": "train_loss", "patience": 1})"});
  CHECK(alone.complete);
  CHECK(alone.steps < 300);
  CHECK_HAS(alone.early, "in 1 epoch than");
  CHECK(alone.weights.which == Weights::last);
  CHECK(failure([&] { evaluate_run(alone.folder, "test", {{}, Weights::best}, all_plugins()); }).first == 2);
}

TEST_CASE("what is followed must be measured, which is told before anything runs") {
  SmallRuns runs;
  const auto told = [&](const std::vector<std::string>& overrides, const std::string& part) {
    const auto [code, sentence] = failure([&] { check_experiment(runs.load(overrides), all_plugins()); });
    CHECK(code == 3);
    CHECK_HAS(sentence, part);
  };
  told({"training.keep_best.metric=validation_acuracy"}, "did you mean \"validation_accuracy\"?");
  told({"training.early_stopping.metric=validation_accuracy"}, "is better small or large is not known");
  told({"training.early_stopping={}", "training.keep_best=true", "dataset.validation_input=", "dataset.validation_target="},
       "nothing measures \"validation_loss\"");
}

TEST_CASE("validation at other times changes no weight") {
  SmallRuns runs;
  const auto weights = [&](const fs::path& run) { return outcome(run).tensors; };
  const fs::path every = runs.run().folder;
  const RunReport seldom = runs.run({"training.validate_every_epochs=3"});
  CHECK(weights(seldom.folder) == weights(every));
  const auto losses = column(every, "epoch", "validation_loss"), fewer = column(seldom.folder, "epoch", "validation_loss");
  CHECK(std::isnan(fewer[0]));
  CHECK(std::isnan(fewer[1]));
  CHECK(fewer[2] == losses[2]);
  CHECK(fewer[3] == losses[3]);  // the last always
  CHECK(H5Reader(seldom.folder / "run.h5").read_float64("metrics/epoch/validation_loss")[2] == losses[2]);

  const std::vector<std::string> often = {"training.validate_every_steps=4", "training.keep_best=true",
                                          R"(training.early_stopping={"patience": 9})"};
  const fs::path by_steps = runs.run(often).folder;
  CHECK(weights(by_steps) == weights(every));
  const auto rows = read_journal(by_steps / "metrics.jsonl").at("validation");
  CHECK(rows.find("step")->integers == std::vector<int64_t>{4, 8, 10, 12, 16, 20, 24, 28, 30, 32, 36, 40});
  const auto all = rows.find("validation_loss")->reals;
  for (size_t epoch = 0; epoch < 4; ++epoch) CHECK(all[std::vector<size_t>{2, 5, 8, 11}[epoch]] == losses[epoch]);
  const RunReport resumed = runs.resume(runs.run(often, 13).folder);
  CHECK(difference(outcome(resumed.folder), outcome(by_steps)) == "");
  CHECK(resumed.weights.value == *std::min_element(all.begin(), all.end()));
}

TEST_CASE("a run is ended early between two epochs too, and its last epoch is recorded as far as it came") {
  SmallRuns runs;
  const std::vector<std::string> often = {"training.validate_every_steps=3", "optimizer.learning_rate=0", "training.epochs=1000",
                                          R"(training.early_stopping={"patience": 4})"};
  const RunReport whole = runs.run(often);
  CHECK(whole.complete);
  CHECK(whole.early != "");
  const auto validations = read_journal(whole.folder / "metrics.jsonl").at("validation"),
             epochs = read_journal(whole.folder / "metrics.jsonl").at("epoch");
  CHECK(validations.find("step")->integers.back() == whole.steps);
  CHECK(epochs.find("step")->integers.back() == whole.steps);
  CHECK(epochs.find("validation_loss")->reals.back() == validations.find("validation_loss")->reals.back());
  const RunReport resumed = runs.resume(runs.run(often, whole.steps - 1).folder);
  CHECK(resumed.early == whole.early);
  CHECK(difference(outcome(resumed.folder), outcome(whole.folder)) == "");
}

TEST_CASE("steps instead of epochs: the last epoch is cut short, and without a dataset the run is one epoch") {
  SmallRuns runs;
  const RunReport report = runs.run({R"(training={"steps": 23, "batch_size": 8})"});
  CHECK(report.steps == 23);
  CHECK(report.complete);
  CHECK(read_journal(report.folder / "metrics.jsonl").at("epoch").find("step")->integers == std::vector<int64_t>{10, 20, 23});
  CHECK(report.evaluations.at("validation")[0].second == column(report.folder, "epoch", "validation_loss").back());

  const fs::path file = runs.scratch.path / "alone.json";
  std::ofstream(file) << R"({"network": {"layers": [{"type": "parameter", "name": "w", "shape": [4]},
    {"type": "parameter", "name": "v", "shape": [4], "trainable": false}]},
    "loss": {"type": "mse", "prediction": "w", "target": "v"}, "optimizer": {"type": "sgd", "learning_rate": 0.1},
    "training": {"steps": 50}, "checkpoint": {"every_steps": 20}})";
  const Experiment x = load_experiment(file, all_plugins());
  const RunReport alone = run_experiment(x, all_plugins(), {runs.runs, {}, "test"}, runs.seen);
  CHECK(alone.epochs == 1);
  CHECK(read_journal(alone.folder / "metrics.jsonl").at("epoch").size() == 1);
  CHECK(RunFolder::look(alone.folder).checkpoints() == std::vector<int64_t>{50, 40});
  const RunReport again = run_experiment(x, all_plugins(), {runs.runs, 33, "test"}, runs.seen);
  CHECK(difference(outcome(runs.resume(again.folder).folder), outcome(alone.folder)) == "");
}
