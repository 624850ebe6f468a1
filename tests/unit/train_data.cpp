// Batches: decoded beside the step or gathered from memory, they are the same; the order of samples is a function of seed and epoch.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "support/train_bench.hpp"
#include "train/loader.hpp"
#include "train/order.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

const std::vector<std::string> made_up = {R"(dataset={"type": "made_up"})"};
std::vector<std::string> with(std::string setting) { return {R"(dataset={"type": "made_up", )" + setting + "}"}; }

}  // namespace

TEST_CASE("decoded on demand or in memory: the same run") {
  for (const char* backend : {R"({"type": "cpu", "threads": 2})", R"({"type": "reference"})"}) {
    SmallRuns runs(backend);
    const Outcome demand = outcome(runs.run(made_up).folder);
    const Outcome memory = outcome(runs.run(with(R"("in_memory": true)")).folder);
    CHECK(demand.step == 28);
    CHECK(demand.tensors == memory.tensors);
    CHECK(demand.journal == memory.journal);
    const auto stopped = runs.run(made_up, 9).folder;
    runs.resume(stopped);
    CHECK(difference(outcome(stopped), demand) == "");
  }
}

TEST_CASE("a sample that cannot be decoded ends the run with a sentence") {
  SmallRuns runs;
  const auto [code, sentence] = failure([&] { runs.run(with(R"("damaged": 31)")); });
  CHECK(code == 3);
  CHECK(sentence.find("dataset 'made_up', column \"input\" of split \"train\": sample 31 is damaged") != std::string::npos);
}

TEST_CASE("a loader gives what was asked for, announced or not") {
  SmallRuns runs;
  const Experiment x = runs.load(made_up);
  const Data data(x);
  const DataSplit& split = data.training();
  const Loader::Columns both = data.numbers({"target", "input"}), one = data.numbers({"target"});
  Loader loader(data, split);
  const auto labels = [&](const lamina_feed* feeds, size_t count) {
    std::vector<int> list;
    for (size_t i = 0; i < count; ++i) list.push_back(static_cast<const uint8_t*>(feeds[0].base)[i]);
    return list;
  };
  const int64_t a[] = {0, 1, 2, 5}, b[] = {4, 4, 3};
  CHECK(labels(loader.feeds(both, a, 4), 4) == std::vector{0, 1, 2, 2});
  loader.announce(both, b, 3);
  CHECK(labels(loader.feeds(both, b, 3), 3) == std::vector{1, 1, 0});
  loader.announce(both, b, 3);
  CHECK(labels(loader.feeds(one, b, 3), 3) == std::vector{1, 1, 0});  // other columns than announced
  loader.announce(one, a, 4);
  CHECK(labels(loader.feeds(one, a, 2), 2) == std::vector{0, 1});
  loader.announce(both, a, 4);  // and then the loader goes away
}

TEST_CASE("the order of an epoch is a permutation that depends on seed and epoch") {
  std::vector<int64_t> rows(1000);
  std::iota(rows.begin(), rows.end(), 0);
  const auto order = epoch_order(rows, 1, 0, true);
  CHECK(order != rows);
  CHECK(order == epoch_order(rows, 1, 0, true));
  CHECK(order != epoch_order(rows, 1, 1, true));
  CHECK(order != epoch_order(rows, 2, 0, true));
  CHECK(epoch_order(rows, 1, 0, false) == rows);
  auto sorted = order;
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted == rows);
}

TEST_CASE("validation samples are held back, the same for every seed") {
  SmallRuns runs;
  const auto rows = [&](const char* seed, const char* split) {
    const Experiment x =
        runs.load({"dataset.validation_input=", "dataset.validation_target=", R"(dataset.validation={"fraction": 0.2})", seed});
    return Data(x).split(split)->rows;
  };
  const auto held = rows("seed=1", "validation"), rest = rows("seed=1", "train");
  CHECK(held.size() == 15);
  CHECK(rest.size() == 60);
  CHECK(held == rows("seed=2", "validation"));
  std::vector<int64_t> both = held;
  both.insert(both.end(), rest.begin(), rest.end());
  std::sort(both.begin(), both.end());
  for (size_t i = 0; i < both.size(); ++i) CHECK(both[i] == int64_t(i));
  CHECK(failure([&] { Data(runs.load({R"(dataset.validation={"samples": 5})"})); }).first == 3);  // it has its own
}
