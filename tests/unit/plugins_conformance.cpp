// Every plugin that the registry lists, held to what its kind promises: a new plugin is tested at birth, by the example it documents.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "config/domain.hpp"
#include "config/settings.hpp"
#include "graph/autodiff.hpp"
#include "plugin/describe.hpp"
#include "support/differences.hpp"
#include "support/plugin_cases.hpp"
#include "support/recording.hpp"
#include "train/initialize.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

std::vector<const Descriptor*> all_of(const std::vector<std::string>& kinds) {
  std::vector<const Descriptor*> list;
  for (auto& kind : kinds)
    for (auto& name : plugins().names(kind)) list.push_back(&plugins().find(kind, name));
  return list;
}

const std::vector<Backend>& others() {
  static std::vector<std::string> left_out;
  static const std::vector<Backend> list = backends_under_test(left_out);
  return list;
}

void hold(const std::vector<Array>& y, const std::vector<Array>& reference, double limit, const std::string& what) {
  REQUIRE(y.size() == reference.size());
  for (size_t i = 0; i < y.size(); ++i) {
    std::string why;
    const double off = distance(y[i], reference[i], why);
    CHECK_MESSAGE(off <= limit, what, " ", i, " is off by ", off, "; ", why);
  }
}
bool same_bits(const std::vector<Array>& a, const std::vector<Array>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](auto& x, auto& y) { return to_bytes(x) == to_bytes(y); });
}

/// Results and next states of every backend against the reference, and the same bits again.
void agree(const PluginCase& whole, const PluginCase& c, const std::string& what) {
  Evaluation truth(reference64, whole, 0), gradient(reference64, c, 1);
  const std::vector<Array> x = draw(c, Range::general);
  const Values expected = truth.at(x), slopes = gradient.at(x);
  CHECK_MESSAGE(same_bits(truth.at(x).y, expected.y), what, ": reference gives other bits when it is run again");
  for (auto& b : others()) {
    const std::string who = what + ", " + b.text() + ": ";
    try {
      Evaluation other(b, whole, 0), again(b, whole, 0);
      const std::vector<Array> y = other.at(x).y;
      hold(y, expected.y, 1e-5, who + "result");
      hold(Evaluation(b, c, 1).at(x).g, slopes.g, 5e-5, who + "gradient");
      CHECK_MESSAGE(same_bits(other.at(x).y, y), who, "other bits when it is run again");
      CHECK_MESSAGE(same_bits(again.at(x).y, y), who, "other bits when it is compiled again");
    } catch (const std::exception& e) {
      FAIL_CHECK(who, std::string(e.what()));
    }
  }
}

void differentiate(const PluginCase& c, const std::string& what, Differences& tally) {
  if (!c.has_real()) return;
  Evaluation evaluation(reference64, c, 1);
  bool compared = false;
  for (int attempt = 0; attempt < 20 && !compared; ++attempt)
    compared = compare_with_differences(c, evaluation, draw(c, Range::general, attempt), what + ", " + std::to_string(attempt), tally);
  CHECK_MESSAGE(compared, what, ": twenty points in a row lie at kinks");
}

/// Everything that is asked of a layer, loss, transform or metric on inputs that it takes.
void check_case(const Descriptor& d, const std::vector<Attribute>& settings, const std::vector<Operand>& inputs, Mode mode,
                Differences& tally) {
  const PluginCase c = plugin_case(d, settings, inputs, mode);
  const std::string what = c.name();
  INFO(what);
  CHECK_MESSAGE(c.results == d.results.size(), what, ": ", c.results, " results came, ", d.results.size(), " are declared");
  if (mode == Mode::evaluation) CHECK_MESSAGE(c.assigned.empty(), what, ": a state changes in evaluation");
  agree(plugin_case(d, settings, inputs, mode, true), c, what);
  if (d.kind == "metric") return;  // nobody differentiates it
  differentiate(c, what, tally);
  if (mode != Mode::training) return;
  const Values values = Evaluation(reference64, c, 1).at(draw(c, Range::general));
  for (size_t k = 0; k < c.kept.size(); ++k) {
    const bool learned = std::find(c.parameters.begin(), c.parameters.end(), c.kept[k]) != c.parameters.end();
    if (learned) CHECK_MESSAGE(!values.g[c.inputs + k].data.empty(), what, ": no result depends on the parameter ", c.kept[k]);
  }
}

/// Whether the plugin takes these inputs; if not, it must have said why.
bool takes(const Descriptor& d, const std::vector<Attribute>& settings, const std::vector<Operand>& inputs, Mode mode) {
  try {
    plugin_case(d, settings, inputs, mode);
    return true;
  } catch (const Error& e) {
    CHECK_MESSAGE(e.text.size() > 20, title(d), " refuses inputs without a sentence: ", e.text);
    return false;
  }
}

std::vector<Operand> reals(const std::vector<Shape>& shapes) {
  std::vector<Operand> list;
  for (auto& s : shapes) list.push_back(real(s));
  return list;
}

/// The inputs that a plugin of this kind meets beside the example's: class numbers, weights, stored pictures.
std::vector<std::vector<Operand>> kinds_of_inputs(const Descriptor& d, const std::vector<Shape>& shapes) {
  std::vector<std::vector<Operand>> list = {reals(shapes)};
  if (d.kind == "transform") list.push_back({whole(shapes[0], 0, 255, DType::uint8)});
  if (d.kind != "loss" && d.kind != "metric") return list;
  list.push_back(reals({shapes[0], shapes[1]}));
  if (d.inputs.size() > 2) list.back().push_back(positive({shapes[0][0]}));
  if (shapes[0].size() > 1) {
    Shape places = shapes[0];
    places.erase(places.begin() + 1);
    for (DType stored : {DType::int32, DType::uint8}) list.push_back({real(shapes[0]), whole(places, 0, shapes[0][1] - 1, stored)});
    if (d.inputs.size() > 2) list.push_back({real(shapes[0]), whole(places, 0, shapes[0][1] - 1), positive({shapes[0][0]})});
  }
  return list;
}

}  // namespace

TEST_CASE("plugins document themselves") {
  for (auto& file : plugins().list()) CHECK_MESSAGE(!file.kind.empty(), file.file, " lies in the folder of no kind");
  for (const Descriptor* d : all_of(Registry::kinds())) {
    INFO(title(*d));
    CHECK(d->doc.size() > 10);
    CHECK(!d->version.empty());
    for (auto& p : d->parameters) {
      CHECK_MESSAGE(p.doc.size() > 5, p.name, ": ", p.doc);
      for (auto& field : p.fields) CHECK_MESSAGE(field.doc.size() > 5, p.name, ".*.", field.name, ": ", field.doc);
    }
    if (d->kind == "layer" || d->kind == "loss" || d->kind == "transform" || d->kind == "metric") CHECK(!d->results.empty());
  }
}

TEST_CASE("layers, losses, transforms and metrics: examples, odd sizes, gradients, backends, repetition") {
  Differences tally;
  int cases = 0, refused = 0;
  for (const Descriptor* d : all_of({"layer", "loss", "transform", "metric"})) {
    const std::vector<Attribute> settings = example_settings(*d);
    const std::vector<Shape> shapes = example_shapes(*d);
    if (d->example_shape.empty()) continue;  // which was told
    for (Mode mode : {Mode::evaluation, Mode::training}) {
      if (d->kind == "metric" && mode == Mode::training) continue;
      CHECK_MESSAGE(takes(*d, settings, reals(shapes), mode), title(*d), " refuses its own example");
      std::vector<std::vector<Shape>> sizes = near(shapes);
      sizes.insert(sizes.begin(), shapes);
      for (auto& size : sizes)
        for (auto& inputs : kinds_of_inputs(*d, size))
          if (takes(*d, settings, inputs, mode))
            check_case(*d, settings, inputs, mode, tally), ++cases;
          else
            ++refused;
    }
  }
  MESSAGE(cases, " cases; ", refused, " more that a plugin refuses with a sentence; ", tally.points, " gradients, largest error ",
          tally.first, ", drawn again because of a kink: ", tally.kinks);
}

TEST_CASE("losses are one number; metrics' sums have one size and add up over batches") {
  for (const Descriptor* d : all_of({"loss", "metric"})) {
    const auto settings = example_settings(*d);
    const auto shapes = example_shapes(*d);
    for (auto& inputs : kinds_of_inputs(*d, shapes)) {
      if (!takes(*d, settings, inputs, Mode::evaluation)) continue;
      const PluginCase c = plugin_case(*d, settings, inputs, Mode::evaluation);
      const std::vector<Array> x = draw(c, Range::general);
      const std::vector<Array> all = Evaluation(reference64, c, 0).at(x).y;
      if (d->kind == "loss") {
        CHECK_MESSAGE(all.at(0).shape == Shape{}, title(*d), " gives ", all[0].shape);
        continue;
      }
      // The batch, sample by sample.
      std::vector<double> together, sums;
      for (auto& y : all) together.insert(together.end(), y.data.begin(), y.data.end());
      sums.assign(together.size(), 0);
      const int64_t samples = shapes.at(0).at(0);
      std::vector<Operand> single = inputs;
      for (auto& o : single) o.shape[0] = 1;
      const PluginCase one = plugin_case(*d, settings, single, Mode::evaluation);
      Evaluation evaluation(reference64, one, 0);
      for (int64_t i = 0; i < samples; ++i) {
        std::vector<Array> row = x;
        for (auto& a : row) {
          const auto length = ptrdiff_t(a.data.size()) / samples;
          a.data = {a.data.begin() + i * length, a.data.begin() + (i + 1) * length}, a.shape[0] = 1;
        }
        size_t at = 0;
        for (auto& y : evaluation.at(row).y)
          for (double v : y.data) sums.at(at++) += v;
        CHECK_MESSAGE(at == sums.size(), title(*d), ": the size of its sums depends on the batch");
      }
      for (size_t k = 0; k < sums.size(); ++k) CHECK_MESSAGE(sums[k] == doctest::Approx(together[k]), c.name(), ": sum ", k);
      lamina_scope scope;
      const auto views = program::views(settings);
      double result = NAN;
      scope.check(copy_sized<lamina_metric>(d->table).finish(&graph::host_table(), &scope, views.data(), uint32_t(views.size()),
                                                             sums.data(), sums.size(), &result));
      CHECK_MESSAGE(std::isfinite(result), c.name(), ": the formula gives ", result);
    }
  }
}

namespace {

/// Some parameters, pulled to fixed points by quadratics of different curvature, and one update of each per step.
struct Quadratic {
  const std::vector<Shape> shapes = {{3, 2}, {1}, {17}, {4, 3, 5}, {}};
  std::unique_ptr<program::Session> session;
  std::unique_ptr<Steps> steps;
  uint64_t step = 0;

  Quadratic(const Descriptor& d, const std::vector<Attribute>& settings, const Backend& backend) : session(backend.open()) {
    Recording r(session->real());
    Tensor loss;
    Tensors parameters;
    for (size_t i = 0; i < shapes.size(); ++i) {
      parameters.push_back(r.parameter(("w" + std::to_string(i)).c_str(), shapes[i]));
      const Tensor term = total(square(parameters.back() - 0.5)) * (0.25 + 0.25 * double(i));
      loss = loss ? loss + term : term;
    }
    std::vector<graph::ValueId> wrt;
    for (auto& w : parameters) wrt.push_back(r.id(w));
    const auto g = graph::differentiate(r.handle, r.id(loss), wrt);
    r.graph->update_rank = uint32_t(r.graph->nodes.size());
    for (size_t i = 0; i < wrt.size(); ++i) {
      const std::string path = "w" + std::to_string(i);
      const Tensor next = record_update(d, settings, r.scope, path, parameters[i], r.tensor(g[i]));
      CHECK_MESSAGE((next.shape() == shapes[i] && next.dtype() == session->real()), title(d), ": the next weights have the shape ",
                    piece(next.shape()));
      r.graph->state(path)->current = r.id(next);
    }
    r.fetch("loss", loss);
    steps = std::make_unique<Steps>(*session, r);
    for (size_t i = 0; i < shapes.size(); ++i) {
      Random random("quadratic " + std::to_string(i));
      std::vector<double> start;
      for (int64_t k = 0; k < element_count(shapes[i]); ++k) start.push_back(double(float(random.uniform(-1.5, 1.5))));
      write(*session, "w" + std::to_string(i), start);
    }
  }
  /// Makes one update; the loss before it.
  double advance(double rate) {
    program::Moment moment;
    moment.step = step++, moment.learning_rate = rate, moment.update = double(step);
    return steps->run({}, moment).at("loss").data.at(0);
  }
  std::vector<Array> weights() {
    std::vector<Array> list;
    for (size_t i = 0; i < shapes.size(); ++i) list.push_back(read(*session, "w" + std::to_string(i)));
    return list;
  }
};

}  // namespace

TEST_CASE("optimizers lower a quadratic, and agree between backends") {
  for (const Descriptor* d : all_of({"optimizer"})) {
    INFO(title(*d));
    example_shapes(*d);
    std::vector<Attribute> defaults;
    bool complete = true;
    for (auto& p : d->parameters) {
      if (p.initial) defaults.push_back(*p.initial);
      complete &= !(p.flags & LAMINA_REQUIRED);
    }
    if (!complete) defaults = example_settings(*d);
    double first = 0, best = INFINITY;
    for (double rate : {1.0, 0.1, 0.01}) {
      Quadratic q(*d, defaults, reference64);
      first = q.advance(rate);
      for (int k = 1; k < 100; ++k) q.advance(rate);
      const double last = q.advance(rate);
      if (last < best) best = last;
    }
    CHECK_MESSAGE(best < 0.01 * first, "a hundred steps at rates from 0.01 to 1 lower ", first, " to no less than ", best);

    const auto settings = example_settings(*d);
    Quadratic truth(*d, settings, reference64), again(*d, settings, reference64);
    for (int k = 0; k < 20; ++k) truth.advance(0.05), again.advance(0.05);
    const auto expected = truth.weights();
    CHECK(same_bits(again.weights(), expected));
    for (auto& b : others()) {
      Quadratic q(*d, settings, b);
      for (int k = 0; k < 20; ++k) q.advance(0.05);
      hold(q.weights(), expected, 5e-5, b.text() + ": parameter");
    }
  }
}

TEST_CASE("initializers: finite and repeatable; every random tensor has a stream of its own") {
  for (const Descriptor* d : all_of({"initializer"})) {
    INFO(title(*d));
    PluginConfig config{d, example_settings(*d), {}};
    auto values = [&](const std::string& path, const Shape& shape, uint64_t seed) {
      const Initializer start(d->name.c_str(), 27, 12);
      const program::StateInfo info{path, graph::StateKind::parameter, graph::TensorType{DType::float32, shape}, start};
      return initial_values(info, &config, seed, plugins());
    };
    const auto a = values("a/weight", {12, 3, 41, 3}, 1);
    for (double v : a) REQUIRE(std::isfinite(v));
    CHECK(values("a/weight", {12, 3, 41, 3}, 1) == a);
    CHECK(values("a/weight", {}, 1).size() == 1);
    const bool random = *std::max_element(a.begin(), a.end()) > *std::min_element(a.begin(), a.end());
    CHECK((values("b/weight", {12, 3, 41, 3}, 1) != a) == random);
    CHECK((values("a/weight", {12, 3, 41, 3}, 2) != a) == random);
  }
}

TEST_CASE("schedules: finite, never negative, pure") {
  for (const Descriptor* d : all_of({"schedule"})) {
    INFO(title(*d));
    const auto settings = example_settings(*d);
    const auto table = copy_sized<lamina_schedule>(d->table);
    const auto views = program::views(settings);
    auto rate = [&](int64_t step, int64_t steps) {
      lamina_scope scope;
      const int64_t epochs = 5, each = std::max<int64_t>(1, steps / epochs);
      const char* const names[] = {"validation_loss", "train_loss"};
      const double values[] = {0.5, 0.25};
      const lamina_moment moment{sizeof moment, step < each ? 0u : 2u, step, steps, step / each, epochs, each, 0.1, names, values};
      double result = NAN;
      scope.check(table.rate(&graph::host_table(), &scope, views.data(), uint32_t(views.size()), &moment, &result));
      return result;
    };
    for (int64_t steps : {1, 5, 100, 1000000}) {
      for (int64_t k = 0; k <= 100; ++k) {
        const int64_t step = steps * k / 100;
        const double r = rate(step, steps);
        CHECK_MESSAGE((std::isfinite(r) && r >= 0), "step ", step, " of ", steps, ": ", r);
        CHECK(rate(step, steps) == r);
      }
      if (d->name == "constant" || d->name == "cosine") CHECK(rate(0, steps) == 0.1);
    }
  }
}

namespace {

/// Numbers next to an interval, outside of it.
std::vector<double> outside(const std::string& domain) {
  std::vector<double> list;
  const DomainText interval(domain);
  const size_t comma = domain.find(", ");
  for (const auto& [text, step] : {std::pair(domain.substr(1, comma - 1), -1.0), std::pair(domain.substr(comma + 2), 1.0)}) {
    const double bound = std::strtod(text.c_str(), nullptr);
    if (std::isfinite(bound)) list.push_back(bound + step);
    if (std::isfinite(bound) && !interval.contains(bound)) list.push_back(bound);
  }
  return list;
}

}  // namespace

TEST_CASE("parameters: defaults lie in their domain, and what lies outside is refused by name") {
  for (const Descriptor* d : all_of(Registry::kinds())) {
    for (auto& p : d->parameters) {
      INFO(title(*d), ", ", p.name);
      if (p.domain.empty()) continue;
      const DomainText domain(p.domain);
      if (p.initial) {
        for (double v : p.initial->reals) CHECK(domain.contains(v));
        for (int64_t v : p.initial->integers) CHECK(domain.contains(double(v)));
        for (auto& t : p.initial->texts) CHECK(domain.contains(t));
      }
      const uint32_t type = p.type & ~uint32_t(LAMINA_LIST);
      std::vector<Json> wrong;
      if (!domain.words().empty()) wrong.push_back("no_such_word");
      if (domain.words().empty())
        for (double v : outside(p.domain)) wrong.push_back(type == LAMINA_INTEGER ? Json(int64_t(v)) : Json(v));
      wrong.push_back(Json::object());
      for (auto& value : wrong) {
        for (bool as_list : {false, true}) {
          if (as_list && !(p.type & LAMINA_LIST)) continue;
          Json object = Json::object();
          object.set(p.name, as_list ? Json(std::vector<Json>{value}) : value);
          Faults faults;
          read_settings(std::span(&p, 1), object, "/here", "/", faults);
          REQUIRE_MESSAGE(faults.count() == 1, to_text(object, false), " is not refused");
          const std::string sentence = faults.sorted()[0].sentence;
          CHECK_MESSAGE(sentence.find("\"" + p.name + "\"") != std::string::npos, sentence);
          CHECK_MESSAGE(sentence.find("wanted") != std::string::npos, sentence);
        }
      }
    }
  }
}
