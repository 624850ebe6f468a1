/// Calls into an experiment's plugins while a program is recorded. What one refuses is told with the place in the experiment that it comes
/// from.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "graph/recorder.hpp"
#include "program/model.hpp"

namespace lamina::program {

class PluginCalls {
 public:
  /// `recorded` learns where the ops come from.
  PluginCalls(graph::Graph& graph, Recorded& recorded) : graph_(graph), recorded_(recorded) {}

  using Call =
      std::function<lamina_status(const lamina_host* host, lamina_scope* scope, const lamina_attribute* settings, uint32_t setting_count)>;
  /// Runs one call into a plugin; its refusal is told with the scope's `where` in front and the plugin's file behind.
  void call(lamina_scope& scope, const PluginConfig& plugin, const Call& body);
  /// What a function of a plugin's table records: as many values as the plugin declares, each a tensor.
  std::vector<ValueId> results_of(lamina_scope& scope, const PluginConfig& plugin, const std::vector<ValueId>& in,
                                  decltype(lamina_layer::forward) function);
  /// The same of a layer, a loss or a transform.
  std::vector<ValueId> layer(lamina_scope& scope, const PluginConfig& plugin, const std::vector<ValueId>& in);

  /// Runs what the host itself records in `scope`.
  template <class Body>
  auto guarded(lamina_scope& scope, Body body) {
    try {
      return body();
    } catch (const graph::ErrorAt& e) {
      recorded_.refuse(e);
    } catch (const Error& e) {
      told(scope, e);
    }
  }
  /// What does not fit is told with its place in the experiment file.
  [[noreturn]] static void refuse(const Place& place, const std::string& sentence) { throw ConfigError({Fault{place, sentence}}); }

 private:
  [[noreturn]] static void told(const lamina_scope& scope, const Error& error);
  graph::Graph& graph_;
  Recorded& recorded_;
};

}  // namespace lamina::program
