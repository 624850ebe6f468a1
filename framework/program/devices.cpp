#include "program/devices.hpp"

#include <lamina/abi_backend.h>

#include <algorithm>

#include "base/failure.hpp"
#include "base/text.hpp"
#include "graph/recorder.hpp"
#include "plugin/describe.hpp"

namespace lamina::program {

std::vector<ListedDevice> devices_of(const Descriptor& backend) {
  constexpr uint32_t limit = 1024;
  const auto table = copy_sized<lamina_backend>(backend.table);
  if (!table.devices) throw Failure(Exit::backend, "The backend " + in_quotes(backend.name) + " does not list its devices.");
  std::vector<lamina_device> raw(64);
  uint32_t count = 0;
  for (int attempt = 0;; ++attempt) {
    for (lamina_device& d : raw) d = {}, d.size = sizeof d;
    count = uint32_t(raw.size());
    lamina_scope scope;
    scope.where = "backend '" + backend.name + "'";
    const std::string words = "the list of devices of " + scope.where + ", plugin " + in_quotes(backend.file, 400);
    scope.check(graph::call_plugin(scope, words.c_str(),
                                   [&](auto* host, auto* handle) { return table.devices(host, handle, raw.data(), &count); }));
    // One that was plugged in meanwhile is seen at the next call.
    if (count <= raw.size() || attempt) break;
    raw.resize(std::min(count, limit));
  }
  const auto text = [](const char* t) { return std::string(t ? t : ""); };
  std::vector<ListedDevice> devices;
  for (uint32_t i = 0; i < std::min<size_t>(count, raw.size()); ++i)
    devices.push_back({text(raw[i].name), text(raw[i].type), text(raw[i].driver), text(raw[i].why), text(raw[i].details), raw[i].memory,
                       raw[i].threads, raw[i].available != 0});
  return devices;
}

uint64_t largest_memory(const Descriptor& backend) try {
  uint64_t most = 0;
  for (const ListedDevice& d : devices_of(backend))
    if (d.available) most = std::max(most, d.memory);
  return most;
} catch (const std::exception&) {
  return 0;  // opening it will say what is wrong
}

}  // namespace lamina::program
