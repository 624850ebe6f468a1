/// Which commands must wait for which: two that touch the same bytes, one of them writing, need a barrier between them.
#pragma once
#include <string>
#include <vector>

#include "api.hpp"

namespace lamina::vulkan {

struct Access {
  VkBuffer buffer;
  uint64_t begin, end;  ///< bytes
  bool write;
};
using Accesses = std::vector<Access>;  ///< of one command

/// Per command: whether a barrier must stand before it. Few barriers: each parts all that is before it from all that is behind.
std::vector<bool> place_barriers(const std::vector<Accesses>& commands);

/// Looks at every pair of commands. A sentence about the first pair that conflicts without a barrier between; "" when there is none.
std::string unguarded_pair(const std::vector<Accesses>& commands, const std::vector<bool>& barriers);

}  // namespace lamina::vulkan
