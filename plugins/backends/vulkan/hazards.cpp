#include "hazards.hpp"

#include <algorithm>

#include <lamina/dtype.hpp>
#include <lamina/plugin.hpp>

namespace lamina::vulkan {

std::vector<bool> place_barriers(const std::vector<Accesses>& commands) {
  std::vector<bool> barriers;
  Accesses open;  // since the last barrier
  for (const Accesses& command : commands) {
    const bool conflict = std::any_of(command.begin(), command.end(), [&](const Access& a) {
      return std::any_of(open.begin(), open.end(), [&](const Access& o) {
        return (a.write || o.write) && a.buffer == o.buffer && a.begin < o.end && o.begin < a.end;
      });
    });
    if (conflict) open.clear();
    open.insert(open.end(), command.begin(), command.end());
    barriers.push_back(conflict);
  }
  return barriers;
}

std::string unguarded_pair(const std::vector<Accesses>& commands, const std::vector<bool>& barriers) {
  for (size_t later = 0; later < commands.size(); ++later)
    for (size_t earlier = later; earlier-- > 0;) {
      bool guarded = false;
      for (size_t k = earlier + 1; k <= later; ++k) guarded = guarded || barriers.at(k);
      if (guarded) break;  // and so is everything before
      for (const Access& a : commands[earlier])
        for (const Access& b : commands[later]) {
          if (a.buffer != b.buffer || (!a.write && !b.write)) continue;
          if (std::max(a.begin, b.begin) < std::min(a.end, b.end))
            return describe("commands ", earlier, " and ", later, " touch bytes ", std::max(a.begin, b.begin), " to ",
                            std::min(a.end, b.end), " of one buffer without a barrier between them");
        }
    }
  return "";
}

}  // namespace lamina::vulkan
