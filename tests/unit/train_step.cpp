// What a training step does beside the optimizer's rule, each against the same numbers put together by hand from plain steps.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "support/train_bench.hpp"

using namespace lamina;
using namespace lamina::test;
namespace fs = std::filesystem;

namespace {

using Values = std::map<std::string, std::vector<double>>;

/// Runs of the small experiment in float64 with plain gradient descent at the rate 1: what a first step takes from the weights is the
/// gradient.
struct Steps {
  SmallRuns runs{R"({"type": "reference", "precision": "float64"})"};

  RunReport run(const std::vector<std::string>& more, const std::string& training = R"({"steps": 1, "batch_size": 8})") {
    std::vector<std::string> overrides = {R"(optimizer={"type": "sgd", "learning_rate": 1})", "schedule.type=constant",
                                          "training=" + training};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return runs.run(overrides);
  }
  /// All that the last checkpoint holds, by name.
  static Values tensors(const RunReport& report) {
    Values all;
    for (auto& [name, array] : outcome(report.folder).tensors) {
      REQUIRE(array.dtype == DType::float64);
      auto& values = all[name];
      values.resize(array.bytes.size() / sizeof(double));
      std::memcpy(values.data(), array.bytes.data(), array.bytes.size());
    }
    return all;
  }
  /// What one step takes from the parameters.
  Values gradient(const std::vector<std::string>& more = {}) {
    std::vector<std::string> still = more;
    still.push_back("optimizer.learning_rate=0");
    const Values before = tensors(run(still)), after = tensors(run(more));
    Values taken;
    for (auto& [name, values] : before)
      if (name.find("running") == name.npos)
        for (size_t i = 0; i < values.size(); ++i) taken[name].push_back(values[i] - after.at(name)[i]);
    return taken;
  }
};

double norm(const Values& t) {
  double squares = 0;
  for (auto& [_, values] : t)
    for (double v : values) squares += v * v;
  return std::sqrt(squares);
}
template <class Function>
Values changed(Values t, Function function) {
  for (auto& [name, values] : t)
    for (double& v : values) v = function(name, v);
  return t;
}
/// The largest distance of two elements.
double distance(const Values& a, const Values& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (auto& [name, values] : a) {
    REQUIRE_MESSAGE(b.contains(name), name);
    REQUIRE(b.at(name).size() == values.size());
    for (size_t i = 0; i < values.size(); ++i) largest = std::max(largest, std::fabs(values[i] - b.at(name)[i]));
  }
  return largest;
}
std::vector<double> column(const RunReport& report, const std::string& name, const std::string& kind = "step") {
  const JournalRows rows = read_journal(report.folder / "metrics.jsonl");
  const Column* found = rows.at(kind).find(name);
  REQUIRE_MESSAGE(found, name);
  return found->reals;
}
std::string number(double v) { return std::to_string(v); }

}  // namespace

TEST_CASE("gradients are clipped by value, then by their norm, as PyTorch does") {
  Steps steps;
  const Values plain = steps.gradient();
  const double whole = norm(plain);
  const auto clamped = [&](double v) { return changed(plain, [&](auto&, double g) { return std::min(std::max(g, -v), v); }); };
  const auto scaled = [](const Values& t, double limit) {
    const double factor = std::min(1.0, limit / (norm(t) + 1e-6));
    return changed(t, [&](auto&, double g) { return g * factor; });
  };
  const double v = std::stod(number(whole / 10)), n = std::stod(number(whole / 3));
  CHECK(distance(clamped(v), plain) > 1e-3);  // else nothing is shown
  CHECK(distance(steps.gradient({"training.clip.value=" + number(v)}), clamped(v)) < 1e-14);
  CHECK(distance(steps.gradient({"training.clip.norm=" + number(n)}), scaled(plain, n)) < 1e-14);
  CHECK(distance(steps.gradient({"training.clip.norm=1e6"}), plain) == 0);
  CHECK(distance(steps.gradient({"training.clip.value=" + number(v), "training.clip.norm=" + number(v)}), scaled(clamped(v), v)) < 1e-14);
  CHECK(column(steps.run({"training.clip.norm=1e-3"}), "gradient_norm")[0] == doctest::Approx(whole).epsilon(1e-12));
  CHECK(column(steps.run({"training.clip={\"value\": " + number(v) + ", \"norm\": 1}"}), "gradient_norm")[0] ==
        doctest::Approx(norm(clamped(v))).epsilon(1e-12));
}

TEST_CASE("a norm of gradients that overflows is a step that is not finite") {
  Steps steps;
  const auto [exit, sentence] = failure([&] { steps.run({"loss.scale=1e200", "training.clip.norm=1"}); });
  CHECK(exit == 6);
  CHECK_MESSAGE(sentence.find("step 1: the loss or a gradient is not finite") != std::string::npos, sentence);
}

TEST_CASE("of several losses the scaled sum is minimised and each is recorded") {
  Steps steps;
  const std::vector<std::string> net = {"network.layers[c1].filters=1", "network.layers[c1].padding=1"};  // so that c1 is as the input is
  const auto with = [&](const std::string& loss) {
    std::vector<std::string> all = net;
    all.push_back("loss=" + loss);
    return all;
  };
  const std::string classes = R"({"type": "cross_entropy", "scale": 0.5})",
                    copy = R"({"type": "mse", "prediction": "c1", "target": "input", "scale": 2, "name": "copy"})";
  const auto first = steps.gradient(with(R"({"type": "cross_entropy"})")),
             second = steps.gradient(with(R"({"type": "mse", "prediction": "c1", "target": "input"})"));
  Values total = first;
  for (auto& [name, values] : total)
    for (size_t i = 0; i < values.size(); ++i) values[i] = 0.5 * values[i] + 2 * second.at(name)[i];
  CHECK(distance(steps.gradient(with("[" + classes + ", " + copy + "]")), total) < 1e-14);

  const RunReport report = steps.run(with("[" + classes + ", " + copy + "]"), R"({"epochs": 1, "batch_size": 8})");
  const auto loss = column(report, "loss"), a = column(report, "cross_entropy_loss"), b = column(report, "copy_loss");
  for (size_t i = 0; i < loss.size(); ++i) CHECK(loss[i] == doctest::Approx(0.5 * a[i] + 2 * b[i]).epsilon(1e-13));
  const auto whole = column(report, "validation_loss", "epoch"), c = column(report, "validation_cross_entropy_loss", "epoch"),
             d = column(report, "validation_copy_loss", "epoch");
  CHECK(whole[0] == doctest::Approx(0.5 * c[0] + 2 * d[0]).epsilon(1e-13));
  const Scores& test = report.evaluations.at("test");
  REQUIRE(test.size() == 4);
  CHECK(test[1].first == "cross_entropy_loss");
  CHECK(test[2].first == "copy_loss");
  CHECK(test[0].second == doctest::Approx(0.5 * test[1].second + 2 * test[2].second).epsilon(1e-13));
}
