#include "prove/evaluation.hpp"

#include "config/domain.hpp"
#include "graph/autodiff.hpp"
#include "graph/op.hpp"
#include "program/devices.hpp"

namespace lamina::prove {
using namespace graph;

namespace {

/// The values of a backend's setting `kernels`, "auto" left out; one empty text where it has no such setting.
std::vector<std::string> sorts_of_kernels(const Descriptor& backend) {
  for (auto& p : backend.parameters) {
    if (p.name != "kernels") continue;
    std::vector<std::string> sorts;
    const DomainText domain(p.domain);
    for (auto& word : domain.words())
      if (word != "auto") sorts.push_back(word);
    return sorts;
  }
  return {""};
}

}  // namespace

std::string Backend::json() const {
  return R"({"type": ")" + name + R"(", "precision": ")" + precision + (kernels.empty() ? "" : R"(", "kernels": ")" + kernels) + R"("})";
}
std::unique_ptr<program::Session> Backend::open() const {
  std::vector<Attribute> all = settings;
  all.emplace_back("precision", precision);
  if (!kernels.empty()) all.emplace_back("kernels", kernels);
  return std::make_unique<program::Session>(catalogue->find("backend", name), all);
}

std::vector<Backend> ways_of(Catalogue& catalogue, const std::string& name, std::string& why) {
  const Descriptor& backend = catalogue.find("backend", name);
  why = "it lists no device";
  for (auto& device : program::devices_of(backend)) {
    why = device.why;
    if (!device.available) continue;
    std::vector<Backend> ways;
    for (auto& kernels : sorts_of_kernels(backend)) ways.push_back({&catalogue, name, "float32", kernels});
    return ways;
  }
  return {};
}
std::vector<Backend> backends_to_hold(Catalogue& catalogue, std::vector<std::string>& left_out) {
  std::vector<Backend> list;
  for (auto& name : catalogue.names("backend")) {
    std::string why;
    const std::vector<Backend> ways = ways_of(catalogue, name, why);
    list.insert(list.end(), ways.begin(), ways.end());
    if (ways.empty()) left_out.push_back(name + " (" + why + ")");
  }
  return list;
}

namespace {

ValueId id_of(Scope& scope, const Tensor& t) { return from_border(t.id_in(scope)); }
Array random_array(const std::string& name, const Shape& shape) {
  Random random(name);
  Array a{DType::float64, shape, {}};
  for (int64_t i = 0, n = element_count(shape); i < n; ++i) a.data.push_back(double(float(random.uniform(-1, 1))));
  return a;
}
std::string numbered(const char* letter, size_t i) { return letter + std::to_string(i); }

/// The nodes of stop_gradient from number `first` on.
std::vector<size_t> stops(const Graph& g, size_t first) {
  std::vector<size_t> list;
  for (size_t k = first; k < g.nodes.size(); ++k)
    if (g.nodes[k].op->name == "stop_gradient") list.push_back(k);
  return list;
}

}  // namespace

Evaluation::Evaluation(const Backend& backend, const OpCase& c, int derivatives, const program::CompileOptions& options,
                       const std::function<void(Graph&)>& edit)
    : session_(backend.open()), case_(c), directions_(c.in.size()) {
  auto graph = std::make_unique<Graph>(session_->real());
  lamina_scope handle;
  handle.graph = graph.get(), handle.path = c.op, handle.state_path = "case";
  std::vector<program::NamedValue> outputs;
  recorded(handle, [&](Scope& s) {
    Tensors x;
    std::vector<ValueId> real;
    std::vector<size_t> operand;
    for (size_t i = 0; i < c.in.size(); ++i) {
      if (c.in[i].dtype) {
        x.push_back(s.emit("input", {}, {{"name", numbered("x", i)}, {"shape", c.in[i].shape}, {"dtype", *c.in[i].dtype}})[0]);
      } else {
        x.push_back(s.parameter(numbered("x", i).c_str(), c.in[i].shape, 0.0));
        real.push_back(id_of(s, x[i])), operand.push_back(i);
      }
    }
    Tensors y = c.record(s, x);
    if (const std::vector<size_t> of_held = stops(*graph, 0); derivatives && !of_held.empty()) {
      // What was recorded holds still; the same once more, with what stop_gradient lets through taken from it.
      holds_ = true;
      const Tensors held = std::exchange(x, {});
      for (size_t i = 0; i < c.in.size(); ++i)
        x.push_back(c.in[i].dtype ? held[i] : s.parameter(numbered("moved", i).c_str(), c.in[i].shape, 0.0));
      for (size_t k = 0; k < real.size(); ++k) real[k] = id_of(s, x[operand[k]]);
      const size_t first = graph->nodes.size();
      y = c.record(s, x);
      const std::vector<size_t> of_moved = stops(*graph, first);
      for (size_t k = 0; k < of_moved.size(); ++k) graph->nodes[of_moved[k]].in = graph->nodes[of_held.at(k)].in;
    }
    results_ = y.size();
    weights_.resize(y.size());
    Tensor loss;
    for (size_t i = 0; i < y.size(); ++i) {
      outputs.push_back({numbered("y", i), id_of(s, y[i])});
      if (!y[i].is_real() || !derivatives) continue;
      const Shape shape = y[i].shape();
      weights_[i] = random_array(c.name() + numbered("w", i), shape);
      const Tensor term = total(y[i] * s.parameter(numbered("w", i).c_str(), shape, 0.0));
      loss = loss ? loss + term : term;
    }
    if (!loss || real.empty()) return;
    const std::vector<ValueId> g = differentiate(handle, id_of(s, loss), real);
    Tensor slope;
    for (size_t k = 0; k < g.size(); ++k) {
      if (g[k] == absent) continue;
      outputs.push_back({numbered("g", operand[k]), g[k]});
      if (derivatives < 2) continue;
      directions_[operand[k]] = random_array(c.name() + numbered("d", operand[k]), c.in[operand[k]].shape);
      const Tensor term = total(tensor(s, g[k]) * s.parameter(numbered("d", operand[k]).c_str(), c.in[operand[k]].shape, 0.0));
      slope = slope ? slope + term : term;
    }
    if (!slope) return;
    const std::vector<ValueId> h = differentiate(handle, id_of(s, slope), real);
    for (size_t k = 0; k < h.size(); ++k)
      if (h[k] != absent) outputs.push_back({numbered("h", operand[k]), h[k]});
  });
  if (edit) edit(*graph);
  executable_ = session_->compile(std::move(graph), outputs, c.name(), options);
  out_.resize(executable_->output_bytes());
  for (size_t i = 0; i < weights_.size(); ++i) write(numbered("case/w", i), weights_[i]);
  for (size_t i = 0; i < directions_.size(); ++i) write(numbered("case/d", i), directions_[i]);
}

void Evaluation::write(const std::string& path, Array array) {
  const int64_t entry = session_->find(path);
  if (entry < 0) return;
  array.dtype = session_->state()[size_t(entry)].type.dtype;
  session_->write(size_t(entry), to_bytes(array).data());
}

Values Evaluation::at(const std::vector<Array>& x, const std::vector<Array>* held) {
  std::vector<std::vector<std::byte>> columns;
  std::vector<lamina_feed> feeds;
  for (size_t i = 0; i < x.size(); ++i)
    if (!case_.in[i].dtype) write(numbered("case/x", i), (held && holds_ ? *held : x)[i]), write(numbered("case/moved", i), x[i]);
  for (auto& name : executable_->feeds()) columns.push_back(to_bytes(x.at(size_t(std::stoi(name.substr(1))))));
  for (auto& c : columns) feeds.push_back({c.data(), nullptr, 0});
  program::Moment moment;
  moment.seed = 42, moment.step = 7;
  executable_->run(moment, feeds.data(), out_.data());
  executable_->wait();
  Values v{std::vector<Array>(results_), std::vector<Array>(x.size()), std::vector<Array>(x.size())};
  for (auto& o : executable_->lowered().outputs) {
    const auto at = executable_->output(o.name);
    auto& list = o.name[0] == 'y' ? v.y : o.name[0] == 'g' ? v.g : v.h;
    list.at(size_t(std::stoi(o.name.substr(1)))) = from_bytes(at.type.dtype, at.type.shape, out_.data() + at.offset);
  }
  return v;
}

}  // namespace lamina::prove
