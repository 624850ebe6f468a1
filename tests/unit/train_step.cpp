// What a training step does beside the optimizer's rule, each against the same numbers put together by hand from plain steps.
#include <doctest/doctest.h>

#include <algorithm>
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
    std::vector<std::string> still;
    for (auto& each : more)
      if (!each.starts_with("optimizer")) still.push_back(each);
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

TEST_CASE("groups of parameters have settings of their own; the first that matches counts") {
  Steps steps;
  const auto with = [](const std::string& groups, const std::string& momentum = "0.5") {
    return std::vector<std::string>{R"(optimizer={"type": "momentum", "learning_rate": 1, "weight_decay": 0.5, "momentum": )" + momentum +
                                    R"(, "groups": [)" + groups + "]}"};
  };
  const Values plain = steps.gradient(), all = steps.gradient(with(""));  // in the first step, all = plain + 0.5 w
  CHECK(distance(plain, all) > 1e-2);
  Values weights_decay = plain;
  weights_decay["model/logits/weight"] = all.at("model/logits/weight");
  const std::string none_for = R"({"match": ["*/bias", "c1/*", "batch_norm_*/weight"], "weight_decay": 0})";
  CHECK(distance(steps.gradient(with(none_for)), weights_decay) < 1e-14);

  // rates, absolute and as a factor, and what is not trained
  const auto of_c1 = [&](double factor) {
    return changed(all, [&](const std::string& name, double v) { return name.starts_with("model/c1") ? factor * v : v; });
  };
  CHECK(distance(steps.gradient(with(R"({"match": "c1/*", "learning_rate": 0.25}, {"match": "*", "momentum": 0})")), of_c1(0.25)) < 1e-14);
  CHECK(distance(steps.gradient(with(R"({"match": "c1/*", "learning_rate_scale": 2}, {"match": "*/bias", "trainable": true})")), of_c1(2)) <
        1e-14);
  CHECK(distance(steps.gradient(with(R"({"match": "c1/*", "trainable": false})")), of_c1(0)) == 0);

  // a number of the step is a group's own: with a group for all, the optimizer's says nothing
  const auto three = [&](const std::vector<std::string>& settings) {
    return Steps::tensors(steps.run(settings, R"({"steps": 3, "batch_size": 8})"));
  };
  CHECK(distance(three(with(R"({"match": "*", "momentum": 0.5})", "0.9")), three(with(""))) == 0);
  const Values mixed = three(with(R"({"match": "logits/bias", "momentum": 0})"));
  CHECK(distance({{"", mixed.at("optimizer/velocity/logits/bias")}}, {{"", three(with("")).at("optimizer/velocity/logits/bias")}}) > 1e-9);
}

TEST_CASE("a pattern of a group that matches nothing is a fault with the nearest name") {
  Steps steps;
  try {
    steps.run({R"(optimizer.groups=[{"match": ["c1/*", "logits/wieght"]}])"});
    FAIL("nothing was refused");
  } catch (const ConfigError& e) {
    CHECK_MESSAGE(std::string(e.what()).find("/optimizer/groups/0/match/1: no parameter is named like 'logits/wieght'; did you mean "
                                             "\"logits/weight\"?") != std::string::npos,
                  e.what());
  }
}

TEST_CASE("the regularisation of a layer is part of the training loss") {
  Steps steps;
  const Values start = Steps::tensors(steps.run({"optimizer.learning_rate=0"})), plain = steps.gradient();
  const auto sum = [&](const std::string& name, auto function) {
    double total = 0;
    for (double v : start.at(name)) total += function(v);
    return total;
  };
  const std::vector<std::string> penalties = {R"(network.layers[logits].regularize={"l2": 0.25})",
                                              R"(network.layers[c1].regularize={"weight": {"l1": 0.5}, "bias": {"l1": 0.125, "l2": 2}})"};
  Values expected = plain;
  const auto add = [&](const std::string& name, double l1, double l2) {
    auto& values = expected.at(name);
    for (size_t i = 0; i < values.size(); ++i) {
      const double w = start.at(name)[i];
      values[i] += l1 * double((w > 0) - (w < 0)) + 2 * l2 * w;
    }
  };
  add("model/logits/weight", 0, 0.25), add("model/c1/weight", 0.5, 0), add("model/c1/bias", 0.125, 2);
  CHECK(distance(steps.gradient(penalties), expected) < 1e-14);
  const RunReport with = steps.run(penalties), without = steps.run({});
  const double penalty = 0.25 * sum("model/logits/weight", [](double v) { return v * v; }) +
                         0.5 * sum("model/c1/weight", [](double v) { return std::fabs(v); }) +
                         sum("model/c1/bias", [](double v) { return 0.125 * std::fabs(v) + 2 * v * v; });
  CHECK(column(with, "regularization_loss")[0] == doctest::Approx(penalty).epsilon(1e-13));
  CHECK(column(with, "loss")[0] == doctest::Approx(column(without, "loss")[0] + penalty).epsilon(1e-13));
  try {
    steps.run({R"(network.layers[c1].regularize={"wieght": {"l1": 0.5}})"});
    FAIL("nothing was refused");
  } catch (const ConfigError& e) {
    CHECK_MESSAGE(std::string(e.what()).find("layer 'c1' (conv): it has no parameter 'wieght' of its own; did you mean \"weight\"?") !=
                      std::string::npos,
                  e.what());
  }
}

namespace {
/// A net whose loss is a mean over samples: no normalisation over the batch, nothing random.
const std::vector<std::string> plain_net = {
    R"(network={"layers": [{"type": "conv", "name": "c1", "filters": 4, "kernel": 3}, {"type": "relu"}, {"type": "flatten"}, {"type": "dense", "name": "logits", "units": 3}]})"};
std::vector<std::string> joined(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
}  // namespace

TEST_CASE("an update of several batches is one of all their samples") {
  Steps steps;
  // 75 samples: updates of 24, 24, 24 and 3 samples; in batches of 8, the last has one batch of 3. And of 40 and 35: 8·5, 8·4 + 3.
  for (const auto& [count, batch] : {std::pair(3, 24), std::pair(5, 40)}) {
    CAPTURE(count);
    const std::string adam = R"(optimizer={"type": "adam", "learning_rate": 0.01})", clip = "training.clip.norm=0.5";
    const auto whole = steps.run(joined(plain_net, {adam, clip, R"(loss=[{"type": "cross_entropy"}])"}),
                                 R"({"epochs": 2, "batch_size": )" + std::to_string(batch) + "}");
    const auto parts = steps.run(joined(plain_net, {adam, clip, R"(loss=[{"type": "cross_entropy"}])"}),
                                 R"({"epochs": 2, "batch_size": 8, "accumulate": )" + std::to_string(count) + "}");
    CHECK(parts.steps == whole.steps);
    CHECK(distance(Steps::tensors(parts), Steps::tensors(whole)) < 1e-13);
    for (const char* name : {"loss", "cross_entropy_loss", "gradient_norm", "learning_rate"}) {
      const auto a = column(parts, name), b = column(whole, name);
      REQUIRE(a.size() == b.size());
      for (size_t i = 0; i < a.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-12));
    }
    CHECK(column(parts, "train_loss", "epoch")[1] == doctest::Approx(column(whole, "train_loss", "epoch")[1]).epsilon(1e-12));
  }
}

TEST_CASE("stopped and resumed, a run that accumulates and averages equals the whole one") {
  SmallRuns runs;
  const std::vector<std::string> settings = {"training.accumulate=4", "training.average={}", "training.clip.norm=1"};
  const Outcome expected = outcome(runs.run(settings).folder);
  CHECK(expected.step == 12);  // 4 epochs of 10 batches
  for (int64_t first : {1, 3, 5}) {
    CAPTURE(first);
    const RunReport stopped = runs.run(settings, first);
    CHECK(stopped.steps == first);
    CHECK(difference(outcome(runs.resume(stopped.folder).folder), expected) == "");
  }
  for (auto& tensor : expected.tensors) CHECK(tensor.name.find("micro_batches") == std::string::npos);
}

TEST_CASE("a batch that is not finite spoils its update alone, with the statistics of the batches before it") {
  Steps steps;
  // the first update makes weights whose square is infinite
  const std::vector<std::string> steep = {
      "optimizer.learning_rate=1e300",
      R"(network={"layers": [{"type": "conv", "name": "c1", "filters": 4, "kernel": 3}, {"type": "expression", "forward": "x * x"}, {"type": "batch_norm"}, {"type": "flatten"}, {"type": "dense", "units": 3}]})"};
  const auto tensors = [&](int count) {
    return Steps::tensors(
        steps.run(steep, R"({"steps": )" + std::to_string(count) + R"(, "batch_size": 8, "accumulate": 2, "on_nonfinite": "skip"})"));
  };
  const Values one = tensors(1), three = tensors(3);
  CHECK(distance(three, one) == 0);
  for (auto& [name, values] : three)
    for (double v : values) CHECK_MESSAGE(std::isfinite(v), name);
}

TEST_CASE("the average of the weights follows them, and evaluation takes it") {
  Steps steps;
  const auto run = [&](int count, const std::string& average, const std::string& data = "") {
    return steps.run(joined({"optimizer.learning_rate=0.1"}, {}), R"({"steps": )" + std::to_string(count) + R"(, "batch_size": 8)" +
                                                                      (average.empty() ? "" : R"(, "average": )" + average) + data + "}");
  };
  std::vector<Values> after;  // as they are without an average
  for (int k = 1; k <= 4; ++k) after.push_back(Steps::tensors(run(k, "")));
  const auto averaged = [&](double decay, bool warm_up) {
    Values mean = after[0];
    for (int k = 1; k < 4; ++k) {
      const double d = warm_up ? std::min(decay, double(k) / (k + 1)) : decay;
      for (auto& [name, values] : mean)
        for (size_t i = 0; i < values.size(); ++i) values[i] = d * values[i] + (1 - d) * after[size_t(k)].at(name)[i];
    }
    return mean;
  };
  for (const bool warm_up : {true, false}) {
    CAPTURE(warm_up);
    const RunReport report = run(4, std::string(R"({"decay": 0.6, "warm_up": )") + (warm_up ? "true" : "false") + "}");
    Values last, mean;
    for (auto& [name, values] : Steps::tensors(report)) {
      if (name.starts_with("optimizer/average/"))
        mean["model/" + name.substr(18)] = values;
      else if (name.starts_with("model/"))
        last[name] = values;
    }
    CHECK(distance(last, after[3]) == 0);  // training is as without
    CHECK(distance(mean, averaged(0.6, warm_up)) < 1e-14);
    CHECK(distance(mean, last) > 1e-4);
    const RunReport same = run(4, R"({"decay": 0.6, "evaluate": "last"})");
    CHECK(same.evaluations == run(4, "").evaluations);
    CHECK(report.evaluations != same.evaluations);
    CHECK(evaluate_run(report.folder, "test", {}, all_plugins()).scores == report.evaluations.at("test"));
  }
  // an average that forgets all is the weights: so evaluation reads it, statistics included
  CHECK(run(4, R"({"decay": 0, "warm_up": false})").evaluations == run(4, "").evaluations);
}

TEST_CASE("class numbers without a score are told at the start, and where the loss is no number") {
  Steps steps;
  const std::string told = "the column 'target' has 3 classes, the layer 'logits' gives scores of 2";
  const auto [exit, sentence] = failure([&] { steps.run({"network.layers[logits].units=2"}); });
  CHECK(exit == 6);
  CHECK_MESSAGE(sentence.find(told) != std::string::npos, sentence);
  CHECK(std::ranges::find(steps.runs.seen.warnings, told) != steps.runs.seen.warnings.end());
  steps.run({"network.layers[logits].units=2"}, R"({"epochs": 1, "batch_size": 8, "on_nonfinite": "skip"})");
  CHECK(std::ranges::any_of(steps.runs.seen.warnings, [&](auto& warning) {
    return warning == "after step 10 the loss on the split \"validation\" is nan; " + told;
  }));
}
