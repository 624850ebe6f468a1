/// What a profile says of layers.
#pragma once
#include <string>
#include <vector>

#include "program/session.hpp"

namespace lamina::program {

struct PathTime {
  std::string path;  ///< of a layer, or "loss", "finite", "optimizer", "transforms/…"
  double seconds;
};

/// The times of all ops of one path added up, forward, backward and what else is done for it; in the order in which the paths first run.
inline std::vector<PathTime> by_path(const std::vector<OpProfile>& ops) {
  std::vector<PathTime> paths;
  for (const OpProfile& op : ops) {
    auto at = paths.begin();
    while (at != paths.end() && at->path != op.path) ++at;
    if (at == paths.end())
      paths.push_back({op.path, op.seconds});
    else
      at->seconds += op.seconds;
  }
  return paths;
}

}  // namespace lamina::program
