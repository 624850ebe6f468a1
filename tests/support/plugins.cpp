#include "support/plugins.hpp"

#include <doctest/doctest.h>

namespace lamina::test {

Registry& plugins() {
  static Registry registry({LAMINA_PLUGINS});
  return registry;
}
bool has_vulkan() {
  std::string why;
  if (!ways_of(plugins(), "vulkan", why).empty()) return true;
  MESSAGE("there is no Vulkan device here (", why, "); nothing is tested");
  return false;
}
std::vector<Backend> backends_under_test(std::vector<std::string>& left_out) { return backends_to_hold(plugins(), left_out); }
void expect_none(const Findings& found, const std::string& what) {
  for (auto& fault : found.faults) FAIL_CHECK(what, ": ", fault);
  CHECK_MESSAGE(found.count == found.faults.size(), what, ": ", found.count, " faults in all");
}

}  // namespace lamina::test
