// Every layer, loss and metric against PyTorch's: results, loss, gradients by input and parameters, scores. Of dropout, whose random
// numbers are other ones, what both promise: rate, scale and mean.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "support/golden.hpp"
#include "support/plugins.hpp"
#include "train/initialize.hpp"
#include "train/loader.hpp"
#include "train/workbench.hpp"

using namespace lamina;
using namespace lamina::test;
using program::Request;

namespace {

/// The experiment around a case of `stem`.json: one batch of all its samples.
Experiment experiment_of(const std::string& stem, const std::string& name, const Json& c, const Backend& backend) {
  const auto object = [](std::vector<std::pair<std::string, Json>> members) {
    Json o = Json::object();
    for (auto& [key, value] : members) o.set(key, value);
    return o;
  };
  const Json dataset =
      object({{"type", "hdf5"}, {"path", stem + ".h5"}, {"train_input", name + "/input"}, {"train_target", name + "/target"}});
  Json x = object({{"name", "golden"},
                   {"dataset", dataset},
                   {"network", object({{"layers", *c.find("layers")}})},
                   {"loss", c.find("loss") ? *c.find("loss") : object({{"type", "mse"}})},
                   {"optimizer", object({{"type", "sgd"}, {"learning_rate", 0.1}})},
                   {"training", object({{"steps", 1}, {"batch_size", c.find("input")->items()[0]}, {"shuffle", false}})}});
  if (const Json* metrics = c.find("metrics")) x.set("metrics", *metrics);
  return load_experiment(to_text(x), golden_folder / (stem + ".json"), plugins(), {"backend=" + backend.json()});
}

struct Distances {
  double forward = 0, gradient = 0;
};

class Case {
 public:
  Case(const std::string& stem, const std::string& name, const Json& c, const Backend& backend, const H5Reader& golden)
      : name_(name), experiment_(experiment_of(stem, name, c, backend)), bench_(experiment_, plugins()), golden_(golden) {
    for (size_t e = 0; e < bench_.session.state().size(); ++e)
      write_values(bench_.session, e, golden_.read_float64(name + "/weights/" + bench_.session.state()[e].path));
  }

  Distances compare() {
    Distances d;
    for (const char* mode : {"train", "evaluate"})
      if (golden_.contains(name_ + "/" + mode + "/prediction")) program(mode, d);
    for (auto& [score, value] : bench_.evaluate(bench_.data.training()))
      d.forward = std::max(d.forward, relative_distance({value}, golden_.read_float64(name_ + "/evaluate/score/" + score)));
    return d;
  }

 private:
  void program(const std::string& mode, Distances& d) {
    const std::string into = name_ + "/" + mode + "/";
    const Request request{mode == "train" ? Request::Mode::train : Request::Mode::evaluate,
                          bench_.batch(),
                          {"prediction", "loss"},
                          "loss",
                          names_below(golden_, into + "gradient/"),
                          false};
    auto recorded = program::record(experiment_, bench_.data.types(), request, bench_.session.real());
    const auto executable = bench_.session.compile(std::move(recorded.graph), std::move(recorded.outputs), mode);
    std::vector<std::byte> out(executable->output_bytes());
    const DataSplit& samples = bench_.data.training();
    const std::vector<size_t> columns = bench_.data.numbers(executable->feeds());
    Loader loader(bench_.data, samples);
    executable->run({}, loader.feeds(columns, samples.rows.data(), samples.rows.size()), out.data());
    executable->wait();
    for (auto& o : executable->lowered().outputs) {
      const auto at = executable->output(o.name);
      const double off =
          relative_distance(from_bytes(at.type.dtype, at.type.shape, out.data() + at.offset).data, golden_.read_float64(into + o.name));
      double& worst = o.name.starts_with("gradient/") ? d.gradient : d.forward;
      worst = std::max(worst, off);
    }
  }

  std::string name_;
  const Experiment experiment_;
  Workbench bench_;
  const H5Reader& golden_;
};

}  // namespace

TEST_CASE("layers, losses and metrics are PyTorch's") {
  std::vector<std::string> left_out;
  std::vector<Backend> backends = backends_under_test(left_out);
  backends.insert(backends.begin(), reference64);
  std::string table = "distances of results and gradients:\n";
  for (auto& file : golden_files("layers")) {
    const std::string stem = file.stem();
    const H5Reader golden(golden_folder / (stem + ".h5"));
    const Json cases = golden_json(stem + ".json");
    for (auto& [name, c, _] : cases.members()) {
      char cell[100];
      std::snprintf(cell, sizeof cell, "%-34s", name.c_str());
      table += cell;
      for (auto& backend : backends) {
        INFO(name, ", ", backend.text());
        Distances d;
        try {
          d = Case(stem, name, c, backend, golden).compare();
        } catch (const std::exception& e) {
          FAIL_CHECK(std::string(e.what()));
          continue;
        }
        const bool exact = backend.precision == "float64";
        CHECK(d.forward <= (exact ? 1e-12 : 1e-5));
        CHECK(d.gradient <= (exact ? 1e-11 : 5e-5));
        std::snprintf(cell, sizeof cell, "  %s %8.1e %8.1e", backend.text().c_str(), d.forward, d.gradient);
        table += cell;
      }
      table += "\n";
    }
  }
  MESSAGE(table);
}

TEST_CASE("dropout drops at its rate and keeps the mean") {
  const std::string text = R"({
    "network": {"layers": [{"type": "parameter", "name": "x", "shape": [400, 250], "initializer": {"value": {"type": "constant", "value": 1}}},
                           {"type": "dropout", "name": "y", "probability": 0.3}]},
    "loss": {"type": "mse", "target": "x"},
    "optimizer": {"type": "sgd", "learning_rate": 0.1},
    "training": {"steps": 1}
  })";
  std::vector<std::string> left_out;
  std::vector<Backend> backends = backends_under_test(left_out);
  backends.insert(backends.begin(), reference64);
  constexpr double rate = 0.3, count = 400 * 250;
  std::vector<std::vector<double>> first;  // of the reference, by step
  for (auto& backend : backends) {
    INFO(backend.text());
    const Experiment experiment = load_experiment(text, golden_folder / "dropout.json", plugins(), {"backend=" + backend.json()});
    Workbench bench(experiment, plugins());
    initialize(bench.session, experiment, plugins());
    auto recorded = program::record(experiment, {}, {Request::Mode::train, 1, {"y"}, "loss", {}, false}, bench.session.real());
    const auto executable = bench.session.compile(std::move(recorded.graph), std::move(recorded.outputs), "dropout");
    std::vector<std::byte> out(executable->output_bytes());
    const auto at = executable->output("y");
    for (uint64_t step = 0; step < 3; ++step) {
      program::Moment moment;
      moment.seed = 5, moment.step = step;
      executable->run(moment, nullptr, out.data());
      executable->wait();
      const std::vector<double> y = from_bytes(at.type.dtype, at.type.shape, out.data() + at.offset).data;
      const double zeros = double(std::ranges::count(y, 0.0)), kept = *std::ranges::max_element(y);
      CHECK(std::abs(zeros / count - rate) < 4 * std::sqrt(rate * (1 - rate) / count));
      CHECK(std::abs(kept * (1 - rate) - 1) < 1e-6);
      CHECK(zeros + double(std::ranges::count(y, kept)) == count);
      const double mean = std::accumulate(y.begin(), y.end(), 0.0) / count;
      CHECK(std::abs(mean - 1) < 4 * std::sqrt(rate / (1 - rate) / count));
      if (backend.text() == reference64.text()) {
        CHECK(std::ranges::find(first, y) == first.end());  // a mask of its own in every step
        first.push_back(y);
      }
      CHECK(relative_distance(y, first.at(step)) < 1e-6);  // the same mask everywhere
    }
  }
}
