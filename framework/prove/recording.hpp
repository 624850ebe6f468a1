/// Graphs recorded by a test, compiled and run step by step.
#pragma once
#include <map>
#include <memory>

#include "graph/recorder.hpp"
#include "program/session.hpp"
#include "prove/arrays.hpp"

namespace lamina::prove {

/// A graph under construction: `scope` records layers, `optimizer` updates of the parameter "w".
class Recording {
 public:
  explicit Recording(DType real = DType::float64) : graph(new graph::Graph(real)) {
    handle.graph = updating.graph = graph.get();
    handle.path = "layer", updating.path = "optimizer", updating.state_path = "w", updating.updating = true;
  }
  Tensor parameter(const char* name, const Shape& shape) { return scope.parameter(name, shape, 0.0); }
  Tensor input(const char* name, const Shape& shape, DType dtype) {
    return scope.emit("input", {}, {{"name", name}, {"shape", shape}, {"dtype", dtype}})[0];
  }
  /// "learning_rate" or "step".
  Tensor number(const char* name) { return optimizer.emit("scalar", {}, {{"name", name}})[0]; }
  graph::ValueId id(const Tensor& t) { return graph::from_border(t.id_in(scope)); }
  Tensor tensor(graph::ValueId id) { return graph::tensor(scope, id); }
  void fetch(const std::string& name, const Tensor& t) { outputs.push_back({name, id(t)}); }
  /// The sentence with which the host refuses what `body` records; "" where it does not.
  template <class Body>
  std::string refusal(Body body) {
    try {
      body();
      return "";
    } catch (const Error& e) {
      if (!e.text.empty()) return e.text;
    }
    try {
      handle.raise();
    } catch (const Error& e) {
      handle.forget();
      return e.text;
    }
  }

  std::unique_ptr<graph::Graph> graph;
  lamina_scope handle, updating;
  Scope scope{&graph::host_table(), &handle}, optimizer{&graph::host_table(), &updating};
  std::vector<program::NamedValue> outputs;
};

/// A recording compiled for a session.
class Steps {
 public:
  Steps(program::Session& session, Recording& r, const program::CompileOptions& options = {})
      : session_(session),
        executable_(session.compile(std::move(r.graph), r.outputs, "test", options)),
        out_(executable_->output_bytes()) {}
  std::map<std::string, Array> run(const std::map<std::string, Array>& inputs = {}, const program::Moment& moment = {}) {
    std::vector<std::vector<std::byte>> columns;
    std::vector<lamina_feed> feeds;
    for (auto& name : executable_->feeds()) columns.push_back(to_bytes(inputs.at(name)));
    for (auto& c : columns) feeds.push_back({c.data(), nullptr, 0});
    executable_->run(moment, feeds.data(), out_.data());
    executable_->wait();
    std::map<std::string, Array> results;
    for (auto& o : executable_->lowered().outputs) {
      const auto at = executable_->output(o.name);
      results[o.name] = from_bytes(at.type.dtype, at.type.shape, out_.data() + at.offset);
    }
    return results;
  }
  const program::Lowered& lowered() const { return executable_->lowered(); }

 private:
  program::Session& session_;
  std::unique_ptr<program::Executable> executable_;
  std::vector<std::byte> out_;
};

inline void write(program::Session& s, const std::string& path, const std::vector<double>& data) {
  const auto& info = s.state().at(size_t(s.find(path)));
  s.write(size_t(s.find(path)), to_bytes({info.type.dtype, info.type.shape, data}).data());
}
inline Array read(program::Session& s, const std::string& path) {
  const size_t entry = size_t(s.find(path));
  std::vector<std::byte> bytes(s.bytes(entry));
  s.read(entry, bytes.data());
  return from_bytes(s.state()[entry].type.dtype, s.state()[entry].type.shape, bytes.data());
}

}  // namespace lamina::prove
