#include "program/plugin_calls.hpp"

#include "base/failure.hpp"
#include "graph/op.hpp"
#include "plugin/describe.hpp"
#include "program/session.hpp"

namespace lamina::program {
using namespace graph;

void PluginCalls::told(const lamina_scope& scope, const Error& error) {
  if (!error.text.empty()) throw Failure(Exit::experiment, scope.where + ": " + error.text);
  try {
    scope.raise();  // the reason was told to the scope
  } catch (const Error& e) {
    throw Failure(Exit::experiment, e.text);
  }
}

void PluginCalls::call(lamina_scope& scope, const PluginConfig& plugin, const Call& body) {
  scope.graph = &graph_;
  scope.settings = &plugin.settings;
  scope.file = plugin.plugin->file;
  recorded_.origins.try_emplace(scope.path, Recorded::Origin{scope.where, plugin.place});
  const auto settings = views(plugin.settings);
  const std::string words = scope.in_words() + (plugin.place.pointer.empty() ? "" : ", " + plugin.place.pointer);
  if (!call_plugin(scope, words.c_str(),
                   [&](auto* host, auto* handle) { return body(host, handle, settings.data(), uint32_t(settings.size())); }))
    return;
  try {
    scope.raise();
  } catch (const Error& e) {
    refuse(plugin.place_of(e.setting), e.what());
  }
}

std::vector<ValueId> PluginCalls::results_of(lamina_scope& scope, const PluginConfig& plugin, const std::vector<ValueId>& in,
                                             decltype(lamina_layer::forward) function) {
  std::vector<lamina_value> ids, out(std::max<size_t>(64, plugin.plugin->results.size()), 0);
  for (auto v : in) ids.push_back(to_border(v));
  uint32_t count = uint32_t(out.size());
  call(scope, plugin, [&](auto* host, auto* s, auto* settings, uint32_t setting_count) {
    return function(host, s, settings, setting_count, ids.data(), uint32_t(ids.size()), out.data(), &count);
  });
  if (!declares_results(*plugin.plugin, count))
    throw Failure(Exit::plugin, scope.sentence(std::to_string(count) + " results came, the plugin declares " +
                                               std::to_string(plugin.plugin->results.size())));
  std::vector<ValueId> results;
  for (uint32_t i = 0; i < count; ++i) {
    if (!out[i] || out[i] > graph_.values.size()) throw Failure(Exit::plugin, scope.sentence("it returned no value of this graph"));
    ValueId v = from_border(out[i]);
    if (graph_.values[v].hosted) v = record_node(scope, op_named("broadcast"), {v}, {{"shape", Shape{}}})[0];
    results.push_back(v);
  }
  return results;
}

std::vector<ValueId> PluginCalls::layer(lamina_scope& scope, const PluginConfig& plugin, const std::vector<ValueId>& in) {
  const auto table = copy_sized<lamina_layer>(plugin.plugin->table);
  if (!table.forward) throw Failure(Exit::plugin, plugin.plugin->file + ": the plugin's table has no forward");
  return results_of(scope, plugin, in, table.forward);
}

}  // namespace lamina::program
