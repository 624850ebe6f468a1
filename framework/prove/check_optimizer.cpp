// Optimizers: they lower what must be lowered, alike on every backend.
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "graph/autodiff.hpp"
#include "prove/check_recorded.hpp"
#include "prove/recording.hpp"

namespace lamina::prove {
namespace {

std::vector<Attribute> defaults_of(const Descriptor& d, Findings& found) {
  std::vector<Attribute> settings;
  bool complete = true;
  for (auto& p : d.parameters) {
    if (p.initial && p.initial->count()) settings.push_back(*p.initial);
    complete &= !(p.flags & LAMINA_REQUIRED);
  }
  return complete ? settings : example_settings(d, found);
}

/// A function of some parameters, and one update of each per step.
class Problem {
 public:
  using Function = Tensor (*)(const Tensors& parameters);
  Problem(const Descriptor& d, const std::vector<Attribute>& settings, const Backend& backend, const std::vector<Shape>& shapes,
          Function function)
      : session_(backend.open()) {
    Recording r(session_->real());
    Tensors parameters;
    std::vector<graph::ValueId> wrt;
    for (size_t i = 0; i < shapes.size(); ++i)
      parameters.push_back(r.parameter(path(i).c_str(), shapes[i])), wrt.push_back(r.id(parameters[i]));
    const Tensor value = function(parameters);
    const auto g = graph::differentiate(r.handle, r.id(value), wrt);
    r.graph->update_rank = uint32_t(r.graph->nodes.size());
    for (size_t i = 0; i < wrt.size(); ++i) {
      const Tensor next = record_update(d, settings, r.scope, path(i), parameters[i], r.tensor(g[i]));
      if (next.shape() != shapes[i] || next.dtype() != session_->real())
        throw Error(describe("the next weights have the shape ", next.shape(), "; those of the parameter are ", shapes[i]));
      r.graph->state(path(i))->current = r.id(next);
    }
    r.fetch("value", value);
    steps_ = std::make_unique<Steps>(*session_, r);
  }
  static std::string path(size_t i) { return "w" + std::to_string(i); }
  void start(size_t i, const std::vector<double>& values) { write(*session_, path(i), values); }
  /// Makes one update; the value before it.
  double advance(double rate) {
    program::Moment moment;
    moment.step = step_++, moment.learning_rate = rate, moment.update = double(step_);
    return steps_->run({}, moment).at("value").data.at(0);
  }
  /// Weights and slots, in the order of their paths.
  std::map<std::string, Array> state() {
    std::map<std::string, Array> all;
    for (auto& info : session_->state()) all[info.path] = read(*session_, info.path);
    return all;
  }
  void go_on_from(const std::map<std::string, Array>& state) {
    for (auto& [path, array] : state) write(*session_, path, array.data);
  }

 private:
  std::unique_ptr<program::Session> session_;
  std::unique_ptr<Steps> steps_;
  uint64_t step_ = 0;
};

/// Parameters of several shapes, pulled to fixed points by quadratics of different curvature.
struct Quadratic : Problem {
  static const std::vector<Shape>& shapes() {
    static const std::vector<Shape> all = {{3, 2}, {1}, {17}, {4, 3, 5}, {}};
    return all;
  }
  Quadratic(const Descriptor& d, const std::vector<Attribute>& settings, const Backend& backend)
      : Problem(d, settings, backend, shapes(), [](const Tensors& w) {
          Tensor sum;
          for (size_t i = 0; i < w.size(); ++i) {
            const Tensor term = total(square(w[i] - 0.5)) * (0.25 + 0.25 * double(i));
            sum = sum ? sum + term : term;
          }
          return sum;
        }) {
    for (size_t i = 0; i < shapes().size(); ++i) {
      Random random("quadratic " + std::to_string(i));
      std::vector<double> values;
      for (int64_t k = 0; k < element_count(shapes()[i]); ++k) values.push_back(double(float(random.uniform(-1.5, 1.5))));
      start(i, values);
    }
  }
};

/// (1 − a)² + 100 (b − a²)² from (−1.2, 1), where it is 24.2. Source: Rosenbrock, The Computer Journal 3 (1960).
struct Rosenbrock : Problem {
  Rosenbrock(const Descriptor& d, const std::vector<Attribute>& settings, const Backend& backend)
      : Problem(d, settings, backend, {{1}, {1}},
                [](const Tensors& w) { return total(square(1 - w[0]) + 100 * square(w[1] - square(w[0]))); }) {
    start(0, {-1.2}), start(1, {1});
  }
};

/// The smallest value after `steps` steps at one of the rates; `rate` learns which.
template <class P>
double lowest(const Subject& s, const std::vector<Attribute>& settings, std::initializer_list<double> rates, int steps, double& first,
              double& best_rate, Findings& found) {
  double best = INFINITY;
  for (double rate : rates) {
    found.at(describe("at the rate ", rate));
    P problem(s.plugin, settings, s.truth());
    first = problem.advance(rate);
    for (int k = 1; k < steps; ++k) problem.advance(rate);
    const double last = problem.advance(rate);
    if (last < best) best = last, best_rate = rate;
  }
  return best;
}

}  // namespace

void check_descent(const Subject& s, Findings& found) {
  const std::vector<Attribute> settings = defaults_of(s.plugin, found);
  double first = 0, rate = 0;
  // Rates are of different sizes: a rule whose steps come out of the weights themselves is one of 10.
  double best = lowest<Quadratic>(s, settings, {10.0, 1.0, 0.1, 0.01}, 100, first, rate, found);
  found.expect(best < 0.01 * first, "a hundred steps at rates from 0.01 to 10 lower a quadratic of ", first, " to no less than ", best,
               "; wanted a hundredth");
  found.note("quadratic ", first, " → ", best, " at rate ", rate);
  best = lowest<Rosenbrock>(s, settings, {0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4}, 200, first, rate, found);
  found.expect(best < 0.5 * first, "two hundred steps at rates from 0.0001 to 0.1 lower Rosenbrock's function of ", first,
               " to no less than ", best, "; wanted half of it");
  found.note("Rosenbrock ", first, " → ", best, " at rate ", rate);
}

void check_update(const Subject& s, Findings& found) {
  const std::vector<Attribute> settings = example_settings(s.plugin, found);
  if (!found.passed()) return;
  constexpr int steps = 20;
  constexpr double rate = 0.05;
  // Of the reference: what each step begins with, and in the end what it leaves.
  const auto path_of = [&] {
    Quadratic q(s.plugin, settings, s.truth());
    std::vector<std::map<std::string, Array>> path = {q.state()};
    for (int k = 0; k < steps; ++k) q.advance(rate), path.push_back(q.state());
    return path;
  };
  found.at(s.truth().text());
  const auto expected = path_of(), again = path_of();
  for (auto& [path, array] : expected.back()) {
    found.expect(to_bytes(again.back().at(path)) == to_bytes(array), path, ": other bits when the same twenty steps are made again");
    const bool finite = std::ranges::all_of(array.data, [](double v) { return std::isfinite(v); });
    found.expect(finite, path, ": twenty steps on a quadratic give numbers that are not finite");
  }
  std::vector<std::string> left_out;
  for (auto& b : backends_to_hold(s.catalogue, left_out)) {
    found.note(b.text());
    found.at(b.text());
    try {
      // Each step begins with the reference's state: where a rule divides by the size of a gradient, rounding alone would drive runs apart.
      Quadratic q(s.plugin, settings, b);
      for (int k = 0; k < steps; ++k) {
        q.go_on_from(expected[size_t(k)]);
        q.advance(rate);
        const auto state = q.state();
        for (auto& [path, array] : expected[size_t(k) + 1])
          hold({state.at(path)}, {array}, 5e-5, describe(b.text(), ", step ", k + 1, ", ", path, ": tensor"), found);
      }
    } catch (const std::exception& e) {
      found.fault(b.text(), ": ", std::string(e.what()));
    }
  }
  for (auto& name : left_out) found.leave_out("backend ", name, " has no device here");
}

}  // namespace lamina::prove
