// Learning rates of every step against PyTorch's schedulers.
#include <doctest/doctest.h>

#include <cstdio>

#include "support/golden.hpp"
#include "support/plugins.hpp"
#include "train/schedule.hpp"

using namespace lamina;
using namespace lamina::test;

TEST_CASE("schedules are PyTorch's") {
  const H5Reader golden(golden_folder / "schedules.h5");
  const Json cases = golden_json("schedules.json");
  std::string table = "largest distance of a rate, as part of the learning rate:\n";
  for (auto& [name, c, _] : cases.members()) {
    INFO(name);
    const double learning_rate = c.find("learning_rate")->number();
    const int64_t each = c.find("steps_per_epoch")->integer(), epochs = c.find("epochs")->integer();
    const Experiment experiment = load_experiment(
        R"({"network": {"layers": [{"type": "parameter", "name": "x", "shape": [1]}]}, "loss": {"type": "mse", "target": "x"},
            "optimizer": {"type": "sgd", "learning_rate": )" +
            std::to_string(learning_rate) + R"(}, "training": {"steps": )" + std::to_string(each * epochs) + R"(}, "schedule": )" +
            to_text(*c.find("schedule"), false) + "}",
        golden_folder / "schedule.json", plugins());
    Course course(experiment, 1, 1);
    course.steps_per_epoch = course.batches_per_epoch = each, course.epochs = epochs;  // as with a dataset of so many samples
    Schedule schedule(experiment, course);
    const std::vector<double> rates = golden.read_float64(name);
    REQUIRE(rates.size() == size_t(each * epochs));
    Rows journal{{{"validation_loss", true, {}, {}}}};
    double worst = 0;
    for (int64_t step = 0; step < each * epochs; ++step) {
      if (const Json* history = c.find("history"); history && step && step % each == 0) {
        journal.columns[0].reals.push_back(history->items()[size_t(step / each - 1)].number());
        schedule.set_history(journal, step / each);
      }
      worst = std::max(worst, std::abs(schedule.rate(step) - rates[size_t(step)]) / learning_rate);
    }
    CHECK(worst <= 1e-14);
    char line[80];
    std::snprintf(line, sizeof line, "  %-26s %8.1e\n", name.c_str(), worst);
    table += line;
  }
  MESSAGE(table);
}
