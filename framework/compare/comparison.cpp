#include "compare/comparison.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <map>

#include "compare/distance.hpp"
#include "program/profile.hpp"
#include "train/batches.hpp"
#include "train/failures.hpp"
#include "train/initialize.hpp"

namespace lamina::compare {
namespace {

using Numbers = std::vector<double>;
const std::string gradient = "gradient/";

/// One backend with the experiment's network.
class Side {
 public:
  Side(const Experiment& experiment, Catalogue& catalogue)
      : bench(experiment, catalogue), look_(bench.inspecting(bench.batch())), step_(bench.training(bench.batch())), batches_(bench) {
    initialize(bench.session, experiment, catalogue);
    bench.load_initial_weights();
  }
  /// Results of layers and gradients in this step; nothing is changed.
  std::map<std::string, Numbers> look() {
    outputs_.resize(look_.output_bytes());
    run(look_);
    std::map<std::string, Numbers> seen;
    for (const auto& o : look_.lowered().outputs) seen[o.name] = numbers(look_.lowered().values[o.value].type, outputs_.data() + o.offset);
    return seen;
  }
  /// Does the step; its loss.
  double step() {
    outputs_.resize(step_.output_bytes());
    const auto start = std::chrono::steady_clock::now();
    run(step_);
    seconds_.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    batches_.advance();
    const auto loss = step_.output("loss");
    return numbers(loss.type, outputs_.data() + loss.offset).at(0);
  }
  /// Times of the steps from here on; the first step fills caches and is left out.
  void start_clock() { step_.profile(true), seconds_.clear(); }
  std::vector<program::PathTime> times() {
    auto times = program::by_path(step_.profile(false));
    for (auto& t : times) t.seconds /= double(std::max<size_t>(seconds_.size(), 1));
    return times;
  }
  double median_seconds() {
    std::ranges::nth_element(seconds_, seconds_.begin() + long(seconds_.size() / 2));
    return seconds_[seconds_.size() / 2];
  }
  /// Parameters and statistics.
  std::map<std::string, Numbers> state() {
    std::map<std::string, Numbers> values;
    for (size_t e = 0; e < bench.session.state().size(); ++e) {
      const program::StateInfo& info = bench.session.state()[e];
      if (info.kind == graph::StateKind::slot) continue;
      std::vector<char> bytes(bench.session.bytes(e));
      bench.session.read(e, bytes.data());
      values[info.path] = numbers(info.type, bytes.data());
    }
    return values;
  }
  /// Names of what `look` sees, in the order of the network.
  std::vector<std::string> seen() const {
    std::vector<std::string> names;
    for (const auto& o : look_.lowered().outputs) names.push_back(o.name);
    return names;
  }
  Workbench bench;

 private:
  void run(program::Executable& program) {
    program.run(batches_.moment(), batches_.feeds(program), outputs_.data());
    program.wait();
  }
  program::Executable &look_, &step_;
  Batches batches_;
  std::vector<char> outputs_;
  std::vector<double> seconds_;
};

/// All get the state of the first, as the narrowest of them holds it.
void unite(std::deque<Side>& sides) {
  const auto narrow = std::ranges::find_if(sides, [](Side& s) { return s.bench.session.real() == DType::float32; });
  Side& from = narrow == sides.end() ? sides[0] : *narrow;
  const std::string truth = "the state of " + sides[0].bench.session.backend();
  if (&from != &sides[0]) from.bench.load(sides[0].bench.save(), truth);
  const auto state = from.bench.save();
  for (Side& side : sides)
    if (&side != &from) side.bench.load(state, truth);
}

/// The layer whose output, parameter or statistic this is: the longest path that the name begins with.
std::string layer_of(const std::string& tensor, const std::vector<std::string>& layers) {
  std::string longest;
  for (const std::string& layer : layers)
    if (layer.size() > longest.size() && tensor.starts_with(layer) &&
        (tensor.size() == layer.size() || tensor[layer.size()] == '.' || tensor[layer.size()] == '/'))
      longest = layer;
  return longest.empty() ? tensor : longest;
}

void widen(TensorDistance& of, size_t backend, const std::map<std::string, Numbers>& values, const std::map<std::string, Numbers>& truth,
           const std::string& name) {
  of.distances[backend] = std::max(of.distances[backend], largest_distance(values.at(name), truth.at(name)));
}

void gather_times(Comparison& c, std::deque<Side>& sides) {
  for (size_t k = 0; k < sides.size(); ++k)
    for (const program::PathTime& t : sides[k].times()) {
      auto at = std::ranges::find(c.times, t.path, &LayerTime::path);
      if (at == c.times.end()) at = c.times.insert(at, {t.path, std::vector<std::optional<double>>(sides.size())});
      at->seconds[k] = t.seconds;
    }
}

Comparison compared(const std::vector<Experiment>& experiments, Catalogue& catalogue, const Options& options) {
  std::deque<Side> sides;
  for (const Experiment& x : experiments) sides.emplace_back(x, catalogue);
  Side& truth = sides[0];
  Comparison c{truth.bench.batch(), {}, {}, {{"forward", {}}, {"gradient", {}}, {"parameters", {}}}, {}};
  for (Side& s : sides) c.backends.push_back({s.bench.session.backend(), s.bench.session.describe(), s.bench.session.precision(), {}, 0});
  for (auto& layer : truth.bench.layers()) c.layers.push_back(layer.path);

  Pass &forward = c.passes[0], &backward = c.passes[1], &parameters = c.passes[2];
  const std::vector<double> none(sides.size() - 1, 0.0);
  for (const std::string& name : truth.seen())
    if (!name.starts_with(gradient))
      forward.tensors.push_back({name, layer_of(name, c.layers), none});
    else
      backward.tensors.insert(backward.tensors.begin(),
                              {name.substr(gradient.size()), layer_of(name.substr(gradient.size()), c.layers), none});
  for (auto& info : truth.bench.session.state())
    if (info.kind != graph::StateKind::slot) parameters.tensors.push_back({info.path, layer_of(info.path, c.layers), none});

  for (int64_t step = 0; step < options.steps; ++step) {
    if (step == 0 || !options.drift) unite(sides);
    const auto wanted = truth.look();
    for (size_t k = 1; k < sides.size(); ++k) {
      const auto seen = sides[k].look();
      for (TensorDistance& t : forward.tensors) widen(t, k - 1, seen, wanted, t.tensor);
      for (TensorDistance& t : backward.tensors) widen(t, k - 1, seen, wanted, gradient + t.tensor);
    }
    for (size_t k = 0; k < sides.size(); ++k) {
      if (step == std::min<int64_t>(1, options.steps - 1)) sides[k].start_clock();
      c.backends[k].losses.push_back(sides[k].step());
    }
    const auto after = truth.state();
    for (size_t k = 1; k < sides.size(); ++k) {
      const auto seen = sides[k].state();
      for (TensorDistance& t : parameters.tensors) widen(t, k - 1, seen, after, t.tensor);
    }
  }
  for (size_t k = 0; k < sides.size(); ++k) c.backends[k].step_seconds = sides[k].median_seconds();
  gather_times(c, sides);
  return c;
}

}  // namespace

const TensorDistance* Pass::first_over(size_t backend, double tolerance) const {
  for (const TensorDistance& t : tensors)
    if (!(t.distances[backend] <= tolerance)) return &t;
  return nullptr;
}

std::optional<double> Pass::of_layer(const std::string& layer, size_t backend) const {
  std::optional<double> largest;
  for (const TensorDistance& t : tensors)
    if (t.layer == layer) largest = std::max(largest.value_or(0), t.distances[backend]);
  return largest;
}

bool Comparison::within(double tolerance) const {
  for (const Pass& pass : passes)
    for (size_t k = 0; k + 1 < backends.size(); ++k)
      if (pass.first_over(k, tolerance)) return false;
  return true;
}

Comparison compare_backends(const std::vector<Experiment>& experiments, Catalogue& catalogue, const Options& options) {
  return with_exit(Exit::experiment, [&] { return compared(experiments, catalogue, options); });
}

}  // namespace lamina::compare
