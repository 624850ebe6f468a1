#include "compare/self_test.hpp"

#include <lamina/philox.hpp>

#include <chrono>
#include <cmath>
#include <map>

#include "compare/distance.hpp"
#include "graph/autodiff.hpp"
#include "program/session.hpp"

namespace lamina::compare {
namespace {

using namespace graph;
using Tensors64 = std::map<std::string, std::vector<double>>;  ///< by name

constexpr int64_t batch = 8, samples = 24, classes = 5, steps = 3;
const Shape sample = {3, 11, 9};

/// Numbers in [-1, 1), the same wherever they are asked for.
std::vector<float> numbers_of(const std::string& name, size_t count) {
  const RandomStream stream = RandomStream::of(1, stream_key(name), 0, 0);
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = float(stream.word(i) >> 8) * (1.0f / (1 << 23)) - 1;
  return values;
}

/// A training step as it is recorded from an experiment: forward, loss, gradients, momentum.
class Network {
 public:
  explicit Network(DType real) : graph(std::make_unique<Graph>(real)) {
    scope_.graph = graph.get(), scope_.training = true;
    const Tensor loss = forward();
    fetch("loss", loss);
    std::vector<ValueId> parameters, gradients;
    for (const StateEntry& s : graph->states)
      if (s.kind == StateKind::parameter) parameters.push_back(s.first), names_.push_back(s.path);
    scope_.path = "loss";
    gradients = differentiate(scope_, from_border(loss.id_in(host_)), parameters);
    graph->update_rank = uint32_t(graph->nodes.size());
    scope_.updating = true;
    for (size_t i = 0; i < parameters.size(); ++i) update(names_[i], tensor(host_, parameters[i]), tensor(host_, gradients[i]));
  }
  std::unique_ptr<Graph> graph;
  std::vector<program::NamedValue> outputs;

 private:
  void fetch(const std::string& name, const Tensor& t) { outputs.push_back({name, from_border(t.id_in(host_))}); }
  void enter(const char* layer) { scope_.path = scope_.state_path = layer; }
  Tensor parameter(const char* name, const Shape& shape) { return host_.parameter(name, shape, 0.0); }
  Tensor input(const char* name, const Shape& shape, DType dtype) {
    return host_.emit("input", {}, {{"name", name}, {"shape", shape}, {"dtype", dtype}})[0];
  }

  Tensor forward() {
    Shape shape = sample;
    shape.insert(shape.begin(), batch);
    enter("conv");
    const Tensor x = to_real(input("input", shape, DType::float32));
    Tensor y = conv(x, parameter("weight", {6, 3, 3, 3}), {{1, 1}, {1, 1}, {1, 1}, {1, 1}});
    y = y + per_channel(parameter("bias", {6}), y);
    enter("norm");
    State mean = host_.state("running_mean", {6});
    const Normalized n =
        normalize(y, per_channel(parameter("weight", {6}), y), per_channel(parameter("bias", {6}), y), Shape{0, 2, 3}, 1e-3);
    mean = 0.9 * mean + 0.1 * reshape(n.mean, {6});
    y = n.y * sigmoid(n.y);
    enter("max_pool");
    y = max_pool(y, {2, 2}, {{2, 2}, {0, 0}, {0, 0}}).first;
    enter("grouped");
    y = tanh(conv(y, parameter("weight", {8, 3, 3, 3}), {{2, 2}, {1, 1}, {1, 1}, {1, 1}}, 2));
    enter("average_pool");
    y = average_pool(y, {2, 2}, {{1, 1}, {0, 0}, {0, 0}});
    enter("dropout");
    y = select(host_.random_uniform(y.shape()) < 0.25, 0.0, y * (1 / 0.75));
    fetch("dropout", y);
    enter("dense");
    y = reshape(y, {batch, -1});
    y = matmul(y, parameter("weight", {y.size(1), classes})) + parameter("bias", {classes});
    fetch("dense", y);
    enter("loss");
    return lamina::mean(softmax_cross_entropy(y, input("target", {batch}, DType::int32)));
  }
  void update(const std::string& path, const Tensor& w, const Tensor& gradient) {
    fetch("gradient/" + path, gradient);
    scope_.path = "optimizer", scope_.state_path = path;
    State velocity = host_.state("velocity", w.shape());
    velocity = 0.9 * velocity + gradient;
    const Tensor rate = host_.emit("scalar", {}, {{"name", "learning_rate"}})[0];
    graph->state(path)->current = from_border((w - rate * velocity).id_in(host_));
  }

  lamina_scope scope_;
  Scope host_{&host_table(), &scope_};
  std::vector<std::string> names_;
};

/// All that the network shows, by step, and at the end its state.
std::vector<Tensors64> trained(const Descriptor& backend, const std::vector<Attribute>& settings) {
  const size_t pixels = size_t(sample[0] * sample[1] * sample[2]);
  const std::vector<float> inputs = numbers_of("input", samples * pixels);
  std::vector<int32_t> targets(samples);
  for (size_t i = 0; i < targets.size(); ++i) targets[i] = int32_t(i * 7 % classes);

  program::Session session(backend, settings);
  session.keep(inputs.data(), inputs.size() * sizeof(float));
  Network network(session.real());
  const auto program = session.compile(std::move(network.graph), network.outputs, "self-test");
  const auto entries = [&](auto each) {
    for (size_t e = 0; e < session.state().size(); ++e) each(e, session.state()[e], session.bytes(e) / size_of(session.real()));
  };
  entries([&](size_t e, const program::StateInfo& info, size_t count) {
    if (info.kind != StateKind::parameter) return;
    std::vector<float> values = numbers_of(info.path, count);
    for (float& v : values) v = info.path == "norm/weight" ? 1 + v / 2 : v / 4;
    const std::vector<double> wide(values.begin(), values.end());
    session.write(e, info.type.dtype == DType::float64 ? static_cast<const void*>(wide.data()) : values.data());
  });

  std::vector<Tensors64> seen;
  std::vector<char> bytes(program->output_bytes());
  for (int64_t step = 0; step < steps; ++step) {
    std::vector<int64_t> rows(batch);
    for (int64_t i = 0; i < batch; ++i) rows[size_t(i)] = (5 * (step * batch + i)) % samples;
    std::vector<lamina_feed> feeds;
    for (const std::string& name : program->feeds())
      feeds.push_back(name == "input" ? lamina_feed{inputs.data(), rows.data(), int64_t(pixels * sizeof(float))}
                                      : lamina_feed{targets.data(), rows.data(), sizeof(int32_t)});
    program->run({1, uint64_t(step), 0, 0.1, double(step + 1)}, feeds.data(), bytes.data());
    program->wait();
    Tensors64& now = seen.emplace_back();
    for (const auto& o : program->lowered().outputs) {
      const auto at = program->output(o.name);
      now[o.name] = numbers(at.type, bytes.data() + at.offset);
    }
  }
  Tensors64& end = seen.emplace_back();
  entries([&](size_t e, const program::StateInfo& info, size_t) {
    std::vector<char> values(session.bytes(e));
    session.read(e, values.data());
    end[info.path] = numbers(info.type, values.data());
  });
  return seen;
}

}  // namespace

SelfTest self_test(const Descriptor& backend, std::optional<size_t> device, const Descriptor& truth) {
  const std::vector<Tensors64> wanted = trained(truth, {{"precision", "float64"}});
  SelfTest result;
  const auto start = std::chrono::steady_clock::now();
  try {
    std::vector<Attribute> settings;
    if (device) settings.emplace_back("device", std::to_string(*device));
    const std::vector<Tensors64> seen = trained(backend, settings);
    for (size_t k = 0; k < wanted.size(); ++k)
      for (const auto& [name, values] : wanted[k]) {
        double scale = 0.01;  // what should vanish, as the gradient of a bias before a normalisation, leaves rounding errors alone
        for (double v : values) scale = std::max(scale, std::fabs(v));
        const double d = largest_distance(seen[k].at(name), values, scale);
        if (d <= result.distance) continue;
        result.distance = d;
        result.where = name + (k < size_t(steps) ? " in step " + std::to_string(k + 1) : " after the last step");
      }
  } catch (const std::exception& e) {
    result.failure = e.what();
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace lamina::compare
