/// The host's side of recording: what a plugin's call reaches through lamina_host. One scope object per call into a plugin.
#pragma once
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/running.hpp"
#include "graph/graph.hpp"

/// Where a call into a plugin is, and where its errors are told. The C ABI sees it as an opaque handle.
struct lamina_scope {
  std::string where;  ///< put in front of errors: "layer 'c1' (conv)"
  std::string file;   ///< of the plugin that is called; put behind errors
  // Recording:
  lamina::graph::Graph* graph = nullptr;
  std::string path;        ///< of the layer: names its ops and random streams
  std::string state_path;  ///< under which parameters and states are found; another layer's where it shares them
  bool training = false;
  bool updating = false;  ///< an optimizer's call: states are slots of the parameter at `state_path`, learning_rate and step are scalars
  double rate_scale = 1;
  std::string group;  ///< of the parameter, whose per-step settings are its own; "" where they are the optimizer's
  const std::vector<lamina::Attribute>* settings = nullptr;  ///< where per-step settings find their value
  // Initializers:
  std::function<void(uint64_t first, uint64_t count, double* out)> uniform;

  void fail(const char* text);
  void point_at(const char* setting, const char* place);
  /// Throws what was told to `fail`, with `where` in front and the setting that it is about; a plain sentence if nothing was.
  [[noreturn]] void raise() const;
  void forget();  ///< what was told to `fail` and `point_at`
  /// The whole sentence of what is wrong: where, why, and the plugin's file.
  std::string sentence(const std::string& reason) const;
  /// `where` and the plugin's file: what a call is marked with, should it crash.
  std::string in_words() const;
  void check(lamina_status status) const {
    if (status) raise();
  }

 private:
  mutable std::mutex mutex_;
  std::string error_, setting_, place_;
  bool failed_ = false;
};

namespace lamina::graph {

/// The table handed to every plugin.
const lamina_host& host_table();

/// The way into a plugin: `call(host, scope)` is marked with `words` for the case that it crashes, and what it throws through the C
/// interface, against the rules, becomes its refusal. Costs two stores.
template <class Call>
lamina_status call_plugin(lamina_scope& scope, const char* words, Call call) {
  const Running mark(words);
  try {
    return call(&host_table(), &scope);
  } catch (const std::exception& e) {
    scope.fail(e.what());
  } catch (...) {
    scope.fail("the plugin threw something that is no std::exception");
  }
  return 1;
}
template <class Call>
lamina_status call_plugin(lamina_scope& scope, Call call) {
  return call_plugin(scope, scope.in_words().c_str(), call);
}

using Hdf5Reader = lamina_status (*)(lamina_scope*, const char* path, const char* name, lamina_shape*, void* data, uint64_t bytes);
/// The reader that datasets reach through the table; set once by the part that owns HDF5.
void offer_hdf5_reader(Hdf5Reader reader);

/// Records one node; what emit does, for the host's own use. Throws Error.
std::vector<ValueId> record_node(lamina_scope& scope, const Op& op, std::vector<ValueId> in, std::vector<Attribute> attributes);

/// Names are counted from 0 inside the host and from 1 at the border, where 0 is "absent".
inline lamina_value to_border(ValueId id) { return id == absent ? 0 : id + 1; }
inline ValueId from_border(lamina_value v) { return v == 0 ? absent : v - 1; }
inline Tensor tensor(Scope& scope, ValueId id) { return id == absent ? Tensor() : Tensor(scope, to_border(id)); }

}  // namespace lamina::graph
