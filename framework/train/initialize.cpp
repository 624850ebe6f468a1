#include "train/initialize.hpp"

#include <lamina/philox.hpp>

#include "base/failure.hpp"

namespace lamina {

std::vector<double> initial_values(const program::StateInfo& tensor, const PluginConfig* chosen, uint64_t seed, Catalogue& catalogue) {
  int64_t count = 1;
  for (auto d : tensor.type.shape) count *= d;
  std::vector<double> values(static_cast<size_t>(count));
  const Descriptor* plugin = chosen ? chosen->plugin : nullptr;
  std::vector<Attribute> settings;
  if (chosen) {
    settings = chosen->settings;
  } else {
    plugin = &catalogue.find("initializer", tensor.start.type);
    for (auto& p : plugin->parameters)
      if (p.initial) settings.push_back(*p.initial);
    for (auto& given : tensor.start.settings) {
      std::erase_if(settings, [&](auto& a) { return a.name == given.name; });
      settings.push_back(given);
    }
  }
  const auto table = copy_sized<lamina_initializer>(plugin->table);
  if (!table.fill) throw Failure(Exit::plugin, plugin->file + ": the initializer's table has no fill");

  lamina_scope scope;
  scope.where = "initializer '" + plugin->name + "' of '" + tensor.path + "'", scope.file = plugin->file;
  const RandomStream stream = RandomStream::of(seed, stream_key("initial/" + tensor.path), 0, 0);
  scope.uniform = [&](uint64_t first, uint64_t n, double* out) {  // 53 bits: 27 of one word, 26 of another
    for (uint64_t i = 0; i < n; ++i) {
      const PhiloxBlock b = stream.block(first + i);
      out[i] = (double(b[0] >> 5) * 67108864.0 + double(b[1] >> 6)) / 9007199254740992.0;
    }
  };
  lamina_shape shape{uint32_t(tensor.type.dtype), uint32_t(tensor.type.shape.size()), {}};
  std::copy(tensor.type.shape.begin(), tensor.type.shape.end(), shape.dims);
  const auto list = program::views(settings);
  if (graph::call_plugin(scope, [&](auto* host, auto* handle) {
        return table.fill(host, handle, list.data(), uint32_t(list.size()), &shape, tensor.start.fan_in, tensor.start.fan_out,
                          values.data());
      })) {
    try {
      scope.raise();
    } catch (const std::exception& e) {
      if (chosen) throw ConfigError({Fault{chosen->place, e.what()}});
      throw Failure(Exit::plugin, e.what());
    }
  }
  return values;
}

void write_values(program::Session& session, size_t entry, const std::vector<double>& values) {
  if (session.state()[entry].type.dtype == DType::float64) {
    session.write(entry, values.data());
  } else {
    const std::vector<float> rounded(values.begin(), values.end());
    session.write(entry, rounded.data());
  }
}

void initialize(program::Session& session, const Experiment& experiment, Catalogue& catalogue) {
  for (size_t e = 0; e < session.state().size(); ++e) {
    const auto& tensor = session.state()[e];
    const PluginConfig* chosen = nullptr;
    for (auto& layer : experiment.layers)
      for (auto& i : layer.initializers)
        if (layer.path + "/" + i.parameter == tensor.path && tensor.kind == graph::StateKind::parameter) chosen = &i.initializer;
    write_values(session, e, initial_values(tensor, chosen, uint64_t(experiment.seed), catalogue));
  }
}

}  // namespace lamina
