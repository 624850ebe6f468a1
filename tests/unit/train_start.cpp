// Where training starts and how it keeps its footing: initial values of kept tensors; dynamic loss scaling, in which powers of two change
// no bit, and an overflow is skipped and halves the scale.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "program/devices.hpp"
#include "program/model.hpp"
#include "support/plugins.hpp"
#include "support/golden.hpp"
#include "support/train_bench.hpp"
#include "train/initialize.hpp"
#include "train/loader.hpp"
#include "train/workbench.hpp"

using namespace lamina;
using namespace lamina::test;
using program::Request;

namespace {

/// Steps of a small net in float64 on the reference backend, with and without scaled loss.
class Steps {
 public:
  explicit Steps(bool scaled)
      : experiment_(load_experiment(golden_folder / "series.json", plugins(), {"backend={\"type\": \"reference\"}"})),
        data_(experiment_),
        loader_(data_, data_.training()),
        session_(plugins().find("backend", "reference"), {{"precision", "float64"}}),
        batch_(std::min<int64_t>(experiment_.training.batch_size, int64_t(data_.training().rows.size()))) {
    const Request request{Request::Mode::train, batch_, {"loss"}, "loss", {}, true, scaled};
    auto recorded = program::record(experiment_, data_.types(), request, session_.real());
    step_ = session_.compile(std::move(recorded.graph), std::move(recorded.outputs), "step");
    initialize(session_, experiment_, plugins());
  }
  /// Whether the host is told that the step was finite.
  bool run(double learning_rate = 0.05) {
    std::vector<std::byte> out(step_->output_bytes());
    const std::vector<size_t> columns = data_.numbers(step_->feeds());
    program::Moment moment;
    moment.step = number_++, moment.learning_rate = learning_rate, moment.update = double(number_);
    step_->run(moment, loader_.feeds(columns, data_.training().rows.data(), size_t(batch_)), out.data());
    step_->wait();
    return out[step_->output("finite").offset] != std::byte(0);
  }
  std::vector<double> tensor(const std::string& path) {
    const int64_t entry = session_.find(path);
    REQUIRE_MESSAGE(entry >= 0, path);
    std::vector<double> values(session_.bytes(size_t(entry)) / 8);
    session_.read(size_t(entry), values.data());
    return values;
  }
  void write(const std::string& path, double value) { session_.write(size_t(session_.find(path)), &value); }
  std::map<std::string, std::vector<double>> parameters() {
    std::map<std::string, std::vector<double>> all;
    for (auto& s : session_.state())
      if (s.kind == graph::StateKind::parameter) all[s.path] = tensor(s.path);
    return all;
  }

 private:
  const Experiment experiment_;
  Data data_;
  Loader loader_;
  program::Session session_;
  const int64_t batch_;
  std::unique_ptr<program::Executable> step_;
  int64_t number_ = 0;
};

const std::string scale = "scale/loss", good_steps = "good_steps/loss";

}  // namespace

TEST_CASE("a scaled loss trains to the same bits") {
  Steps plain(false), scaled(true);
  CHECK(scaled.tensor(scale) == std::vector<double>{65536});
  const auto start = plain.parameters();
  for (int i = 0; i < 3; ++i) {
    CHECK((plain.run() && scaled.run()));
  }
  CHECK(plain.parameters() == scaled.parameters());
  CHECK(plain.parameters() != start);
  CHECK(scaled.tensor(scale) == std::vector<double>{65536});
  CHECK(scaled.tensor(good_steps) == std::vector<double>{3});
}

TEST_CASE("a thousand good steps double the scale, an overflow halves it and changes nothing else") {
  Steps steps(true);
  steps.write(good_steps, 999);
  CHECK(steps.run());
  CHECK(steps.tensor(scale) == std::vector<double>{131072});
  CHECK(steps.tensor(good_steps) == std::vector<double>{0});
  const auto before = steps.parameters();
  steps.write(scale, INFINITY);
  steps.write(good_steps, 5);
  CHECK(steps.run());  // the loss itself is finite: nothing that the host must know
  CHECK(steps.parameters() == before);
  CHECK(steps.tensor(good_steps) == std::vector<double>{0});
  steps.write(scale, 16777216);
  steps.write(good_steps, 999);
  CHECK(steps.run());
  CHECK(steps.tensor(scale) == std::vector<double>{16777216});  // as far as it grows
  CHECK(steps.parameters() != before);
}

TEST_CASE("a loss that is not finite is told, whatever the scale") {
  Steps steps(true);
  CHECK(steps.run(1e300));  // the weights are finite still, what they give is not
  CHECK_FALSE(steps.run());
  CHECK(steps.tensor(scale)[0] < 65536);
}

TEST_CASE("kept tensors start where their layers say") {
  SmallRuns runs;
  const Experiment experiment = runs.load();
  Workbench bench(experiment, all_plugins());
  initialize(bench.session, experiment, all_plugins());
  size_t seen = 0;
  for (size_t e = 0; e < bench.session.state().size(); ++e) {
    const std::string& path = bench.session.state()[e].path;
    if (path.find("running_") == path.npos) continue;
    std::vector<float> values(bench.session.bytes(e) / 4);
    bench.session.read(e, values.data());
    for (const float v : values) CHECK(v == (path.ends_with("running_variance") ? 1 : 0));
    ++seen;
  }
  CHECK(seen == 2);
}

TEST_CASE("a run in another precision lends its state to one whose loss is scaled, which begins with its first scale") {
  const auto devices = program::devices_of(plugins().find("backend", "vulkan"));
  if (!std::ranges::any_of(devices, &program::ListedDevice::available)) return;
  const auto opened = [](const char* precision) {
    return load_experiment(golden_folder / "series.json", plugins(),
                           {R"(backend={"type": "vulkan", "precision": ")" + std::string(precision) + "\"}"});
  };
  const Experiment wide = opened("float32"), narrow = opened("float16");
  Workbench from(wide, plugins()), to(narrow, plugins());
  initialize(from.session, wide, plugins());
  to.load(from.save(), "a checkpoint");
  float first = 0;
  to.session.read(size_t(to.session.find(scale)), &first);
  CHECK(first == 65536);
  from.load(to.save(), "a checkpoint");
}
