// A list of schedules: each has its own stretch of the run.
#include <doctest/doctest.h>

#include <cmath>

#include "support/train_bench.hpp"
#include "train/schedule.hpp"

using namespace lamina;
using namespace lamina::test;

#define CHECK_HAS(text, part) CHECK_MESSAGE(std::string(text).find(part) != std::string::npos, (text))

TEST_CASE("schedules come one after the other, each from its own step 0 to its own end") {
  SmallRuns runs;  // 4 epochs of 10 steps, a rate of 0.01
  const Experiment x = runs.load(
      {R"(schedule=[{"type": "constant", "for_steps": 5}, {"type": "cosine", "for_epochs": 2}, {"type": "cosine", "final_rate": 0.001}])"});
  const Course course(x, 75, 8);
  Schedule schedule(x, course);
  const auto cosine = [](double part, double low) { return low + (0.01 - low) * (1 + std::cos(M_PI * part)) / 2; };
  for (int64_t step = 0; step < 40; ++step) {
    CAPTURE(step);
    const double wanted = step < 5 ? 0.01 : step < 25 ? cosine(double(step - 5) / 20, 0) : cosine(double(step - 25) / 15, 0.001);
    CHECK(schedule.rate(step) == doctest::Approx(wanted).epsilon(1e-12));
  }
  // The resolved file says the same.
  CHECK(x.resolved.find("schedule")->items().size() == 3);
  CHECK(x.resolved.find("schedule")->items()[1].find("for_epochs")->integer() == 2);
}

TEST_CASE("a schedule that begins in the middle of an epoch counts its own epochs") {
  SmallRuns runs;
  const Experiment x = runs.load({R"(schedule=[{"type": "constant", "for_steps": 5}, {"type": "step", "every": 1, "gamma": 0.5}])"});
  const Course course(x, 75, 8);
  Schedule schedule(x, course);
  for (int64_t step = 5; step < 40; ++step) {
    CAPTURE(step);
    CHECK(schedule.rate(step) == doctest::Approx(0.01 * std::pow(0.5, (step - 5) / 10)).epsilon(1e-12));
  }
}

TEST_CASE("an epoch without a validation is not one without progress, a validation that came to no number is") {
  SmallRuns runs;
  const Experiment x = runs.load({"training.epochs=9", "training.validate_every_epochs=2",
                                  R"(schedule={"type": "plateau", "patience": 1, "factor": 0.5, "least_rate": 0.001})"});
  const Course course(x, 75, 8);
  Schedule schedule(x, course);
  const double none = std::nan("");
  const auto after = [&](const std::vector<double>& losses) {
    schedule.set_history(Rows{{{"validation_loss", true, {}, losses}}}, int64_t(losses.size()));
    return schedule.rate(int64_t(losses.size()) * 10);
  };
  CHECK(after({none}) == 0.01);
  CHECK(after({none, 1, none, 0.9, none}) == 0.01);
  CHECK(after({none, 1, none, 0.9, none, 0.8, none, 0.7}) == 0.01);
  CHECK(after({none, 1, none, none}) == 0.01);
  CHECK(after({none, 1, none, none, none, none}) == 0.005);
  CHECK(after({none, 1, none, 1.1, none, 1, none}) == 0.005);
}

TEST_CASE("a metric that nobody measures is told before anything runs, with its place") {
  SmallRuns runs;
  const auto told = [&](const std::vector<std::string>& overrides, const std::string& part) {
    const auto [code, sentence] = failure([&] { check_experiment(runs.load(overrides), all_plugins()); });
    CHECK(code == 3);
    CHECK_HAS(sentence, part);
    CHECK_HAS(sentence, "/schedule");
  };
  told({R"(schedule={"type": "plateau", "metric": "validation_los"})"}, "no \"validation_los\"; did you mean \"validation_loss\"?");
  told({R"(schedule={"type": "plateau"})", R"(dataset={"type": "hdf5", "path": ")" + (runs.scratch.path / "data.h5").string() + R"("})"},
       "no \"validation_loss\"");
  told({R"(schedule=[{"type": "constant", "for_epochs": 1}, {"type": "plateau", "metric": "loss"}])"}, "no \"loss\"");
  CHECK(failure([&] { check_experiment(runs.load({R"(schedule={"type": "plateau"})"}), all_plugins()); }).second == "");
}

TEST_CASE("a run with several schedules resumes to the same bits") {
  SmallRuns runs;
  const std::vector<std::string> list = {R"(schedule=[{"type": "constant", "for_steps": 13}, {"type": "cosine"}])"};
  const Outcome whole = outcome(runs.run(list).folder);
  CHECK(difference(outcome(runs.resume(runs.run(list, 14).folder).folder), whole) == "");
  CHECK(difference(outcome(runs.run().folder), whole) != "");
}

TEST_CASE("a list of schedules that cannot be meant is told") {
  SmallRuns runs;
  const auto told = [&](const std::string& schedule, const std::string& part) {
    const auto [code, sentence] = failure([&] { runs.load({"schedule=" + schedule}); });
    CHECK(code == 3);
    CHECK_HAS(sentence, part);
  };
  told(R"([{"type": "constant"}, {"type": "cosine"}])", "how long this schedule lasts is missing");
  told(R"([{"type": "constant", "for_steps": 3}])", "the last schedule has the rest of the run");
  told(R"([{"type": "constant", "for_steps": 3, "for_epochs": 3}, {"type": "cosine"}])", "for_steps");
  told("[]", "is an empty list");
}
