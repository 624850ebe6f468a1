/// The plugins of this build, and its backends by name.
#pragma once
#include "plugin/registry.hpp"
#include "prove/findings.hpp"
#include "prove/evaluation.hpp"

namespace lamina::test {
using namespace prove;

Registry& plugins();

/// plugins(), opened when something is looked up: what tests name before main() begins must not load anything.
struct BuiltPlugins : Catalogue {
  std::vector<std::string> names(const std::string& kind) override { return plugins().names(kind); }
  const Descriptor& find(const std::string& kind, const std::string& name) override { return plugins().find(kind, name); }
};
inline BuiltPlugins built;

inline Backend backend(const std::string& name, const std::string& precision = "float32") { return {&built, name, precision}; }
inline const Backend reference64 = backend("reference", "float64");

/// Whether the backend `vulkan` finds a device, whose own tests test nothing otherwise; a message says so then.
bool has_vulkan();
/// Those of backends_to_hold.
std::vector<Backend> backends_under_test(std::vector<std::string>& left_out);

/// Fails for every fault; `what` is put in front.
void expect_none(const Findings& found, const std::string& what);

}  // namespace lamina::test
