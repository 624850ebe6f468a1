// Which samples a run sees: weighted sampling, class weights, folds, the first batches alone.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "record/hdf5.hpp"
#include "record/hdf5_reader.hpp"
#include "support/process.hpp"
#include "support/train_bench.hpp"
#include "train/order.hpp"
#include "train/widen.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

#define CHECK_HAS(text, part) CHECK_MESSAGE(std::string(text).find(part) != std::string::npos, (text))

/// The small data without validation samples of their own.
std::vector<std::string> alone(std::vector<std::string> more) {
  more.insert(more.begin(), {"dataset.validation_input=", "dataset.validation_target="});
  return more;
}
std::map<double, int> counts(const std::vector<double>& labels) {
  std::map<double, int> of;
  for (double label : labels) ++of[label];
  return of;
}
std::map<double, int> counts(const Data& data, const char* split) { return counts(data.labels(*data.split(split), {}, "")); }

}  // namespace

TEST_CASE("samples are drawn as often as their weights say, the same for seed and epoch") {
  const std::vector<int64_t> rows = {5, 6, 7, 8};
  const std::vector<double> cumulative = {0, 1, 1, 4};  // weights 0, 1, 0, 3
  std::map<int64_t, int> seen;
  for (int64_t epoch = 0; epoch < 2500; ++epoch)
    for (int64_t row : drawn_order(rows, cumulative, 1, epoch)) ++seen[row];
  CHECK(seen.size() == 2);
  CHECK(std::abs(seen[6] - 2500) < 5 * 43);  // five deviations of a binomial
  CHECK(seen[6] + seen[8] == 10000);
  CHECK(drawn_order(rows, cumulative, 1, 7) == drawn_order(rows, cumulative, 1, 7));
  std::vector<int64_t> many(100);
  std::iota(many.begin(), many.end(), 0);
  std::vector<double> alike(100);
  std::iota(alike.begin(), alike.end(), 1);
  CHECK(drawn_order(many, alike, 1, 0) != drawn_order(many, alike, 1, 1));
  CHECK(drawn_order(many, alike, 1, 0) != drawn_order(many, alike, 2, 0));
}

TEST_CASE("balanced weights count all classes alike") {
  CHECK(balanced_weights({7, 7, 7, 2}) == std::vector<double>{4.0 / 6, 4.0 / 6, 4.0 / 6, 2});
}

TEST_CASE("a run draws by a column or by class, and resumes to the same bits") {
  SmallRuns runs;
  const std::vector<std::string> balanced = {R"(training.sampling={"balanced": true})"};
  const Outcome whole = outcome(runs.run(balanced).folder);
  CHECK(difference(outcome(runs.resume(runs.run(balanced, 17).folder).folder), whole) == "");
  CHECK(difference(outcome(runs.run().folder), whole) != "");
  const Experiment by_label = runs.load({R"(training.sampling={"type": "weighted", "column": "target"})"});
  const Data data(by_label);
  const DataSplit drawn{"drawn", data.training().source, SampleOrder(by_label, data).epoch(0)};
  CHECK(drawn.rows.size() == 75);
  CHECK_FALSE(counts(data.labels(drawn, {}, "")).contains(0));  // the weight of class 0 is 0

  const auto told = [&](const std::string& sampling, const std::string& part) {
    const auto [code, sentence] = failure([&] { check_experiment(runs.load({"training.sampling=" + sampling}), all_plugins()); });
    CHECK(code == 3);
    CHECK_HAS(sentence, part);
  };
  told(R"({"column": "targte"})", "did you mean \"target\"?");
  told(R"({"column": "input"})", "has no single number per sample");
  told(R"({})", "\"column\" or \"balanced\"");
  CHECK_HAS(failure([&] { runs.load({R"(training.sampling={"balanced": true})", "training.shuffle=false"}); }).second, "give one of them");
  CHECK_HAS(failure([&] {
              check_experiment(
                  runs.load({R"(training.sampling={"balanced": true})", R"(loss={"type": "mse", "target": "logits"})", "metrics=[]"}),
                  all_plugins());
            }).second,
            "goes by the class numbers of the loss's target");
}

TEST_CASE("class weights are a column by the counts of the training samples, which the loss takes") {
  SmallRuns runs;
  const Experiment x = runs.load({"dataset.class_weights=balanced"});
  REQUIRE(x.losses[0].weight);
  CHECK(x.losses[0].weight->column == class_weight);
  const Experiment without = runs.load();
  Data data(x), plain(without);
  const size_t column = size_t(data.column(class_weight) - data.columns().data());
  for (const char* split : {"train", "validation", "test"}) {
    const auto weights = data.scalars(*data.split(split), column), labels = data.labels(*data.split(split), {}, "");
    const auto of = counts(data, "train");
    for (size_t i = 0; i < labels.size(); ++i) CHECK(weights[i] == double(float(75.0 / (3 * of.at(labels[i])))));
  }
  CHECK(data.sha256(true) == plain.sha256(true));
  CHECK(runs.run({"dataset.class_weights=balanced"}).complete);
  CHECK_HAS(failure([&] { runs.load({"dataset.class_weights=equal"}); }).second, "balanced");
}

TEST_CASE("folds are the same for every seed, part the samples, and have each class in its share") {
  SmallRuns runs;
  for (const char* stratified : {"false", "true"}) {
    std::vector<int64_t> all;
    for (int fold = 1; fold <= 4; ++fold) {
      const auto opened = [&](const char* seed) {
        return runs.load(
            alone({R"(dataset.validation={"folds": 4, "fold": )" + std::to_string(fold) + R"(, "stratified": )" + stratified + "}", seed}));
      };
      const Experiment x = opened("seed=1"), y = opened("seed=2");
      const Data one(x), other(y);
      const auto& held = one.split("validation")->rows;
      CHECK(held == other.split("validation")->rows);
      CHECK(held.size() + one.training().rows.size() == 75);
      CHECK((held.size() == 18 || held.size() == 19));
      all.insert(all.end(), held.begin(), held.end());
      if (*stratified == 't')
        for (auto [label, count] : counts(one, "validation")) CHECK((count == 6 || count == 7));  // of 25
    }
    std::sort(all.begin(), all.end());
    for (size_t i = 0; i < 75; ++i) CHECK(all.at(i) == int64_t(i));
  }
  const Experiment part = runs.load(alone({R"(dataset.validation={"fraction": 0.2, "stratified": true})"}));
  for (auto [label, count] : counts(Data(part), "validation")) CHECK(count == 5);
  CHECK_HAS(failure([&] { runs.load(alone({R"(dataset.validation={"folds": 4, "fold": 5})"})); }).second, "there are 4 folds");
  CHECK_HAS(failure([&] { runs.load(alone({R"(dataset.validation={"fraction": 0.5, "fold": 2})"})); }).second, "which is missing");
  CHECK(failure([&] { Data(runs.load(alone({R"(dataset.validation={"folds": 76})"}))); }).first == 3);
}

TEST_CASE("a run that mixes its targets predicts from inputs alone") {
  SmallRuns runs;
  const RunReport report = runs.run({R"(transforms=[{"type": "one_hot", "input": "target", "classes": 3}, {"type": "mixup"}])",
                                     R"(loss={"type": "mse"})", "metrics=[]", "training.epochs=1"});
  const auto in = runs.scratch.path / "in.h5", out = runs.scratch.path / "out.h5";
  H5Writer inputs(in);
  inputs.write("input", H5Reader(runs.scratch.path / "data.h5").read("test/input"));
  inputs.commit();
  CHECK(predict(report.folder, {in}, out, {"logits"}, {}, all_plugins()).samples == 11);
  CHECK(H5Reader(out).read("logits").shape == Shape{11, 3});
}

TEST_CASE("folds that are stopped are named, and nothing is averaged over them") {
  SmallRuns runs;
  std::vector<std::string> words = {"run", runs.experiment.string(), "--fold", "all", "--out", runs.runs.string(), "--max-steps", "2"};
  for (auto& value : alone({R"(dataset.validation={"folds": 2})"})) words.insert(words.end(), {"--set", value});
  const Finished f = run_program(LAMINA_PROGRAM, words);
  CHECK(f.exit == 0);
  CHECK_HAS(f.err, "Not finished: fold 1, 2; ");
  CHECK(f.out.find("deviation") == std::string::npos);
  words.push_back("--json");
  const Finished json = run_program(LAMINA_PROGRAM, words);
  CHECK(json.exit == 0);
  CHECK(json.out.find("\"folds\"") == std::string::npos);
}

TEST_CASE("a few batches are learned by heart: always the same ones, in the same order") {
  SmallRuns runs;
  const std::vector<std::string> overfit = {"training.overfit_batches=2", "training.epochs=60"};
  const Experiment x = runs.load(overfit);
  const Data data(x);
  CHECK(data.training().rows.size() == 16);
  CHECK(data.split("test")->rows.size() == 11);
  const SampleOrder order(x, data);
  CHECK(order.epoch(0) == data.training().rows);
  CHECK(order.epoch(5) == data.training().rows);
  const RunReport report = runs.run(overfit);
  CHECK(report.steps == 120);
  CHECK(runs.seen.epochs.back().train_loss < 0.3 * runs.seen.epochs.front().train_loss);
}

TEST_CASE("numbers of a column are read in every type that it may be stored in") {
  const auto widened = [](DType dtype, auto... stored) {
    const std::array values = {stored...};
    std::vector<double> to(values.size());
    widen(dtype, values.data(), values.size(), to.data());
    return to;
  };
  using Numbers = std::vector<double>;
  CHECK(widened(DType::float64, 0.1, -2.0) == Numbers{0.1, -2});
  CHECK(widened(DType::float32, 0.5f, -3.0f) == Numbers{0.5, -3});
  CHECK(widened(DType::int32, int32_t(-7)) == Numbers{-7});
  CHECK(widened(DType::uint32, uint32_t(4000000000)) == Numbers{4e9});
  CHECK(widened(DType::uint8, uint8_t(200)) == Numbers{200});
  CHECK(widened(DType::boolean, uint8_t(1), uint8_t(0)) == Numbers{1, 0});
  const auto half = [](auto... bits) { return std::array{uint16_t(bits)...}; };
  const auto of = [&](DType dtype, const auto& bits) {
    std::vector<double> to(bits.size());
    widen(dtype, bits.data(), bits.size(), to.data());
    return to;
  };
  // 1, −2, 1/3 rounded, the largest number, the smallest normal one, the smallest of all, −0 and infinity.
  CHECK(of(DType::float16, half(0x3c00, 0xc000, 0x3555, 0x7bff, 0x0400, 0x0001, 0x8000, 0x7c00)) ==
        Numbers{1, -2, 0x1.554p-2, 65504, 0x1p-14, 0x1p-24, 0, std::numeric_limits<double>::infinity()});
  CHECK(std::isnan(of(DType::float16, half(0x7e00))[0]));
  CHECK(of(DType::bfloat16, half(0x3f80, 0xc000, 0x3eab, 0x0080)) == Numbers{1, -2, 0x1.56p-2, 0x1p-126});
  CHECK(std::isnan(of(DType::bfloat16, half(0x7fc0))[0]));
}
