/// An Error about what was recorded somewhere in the network.
#pragma once
#include <string>

#include <lamina/tensor.hpp>

#include "base/failure.hpp"

namespace lamina::graph {

/// `path` is that of the ops ("c1"). Whoever knows the experiment tells `sentence` with the plugin and its place there; what() has the
/// path.
struct ErrorAt : Error {
  ErrorAt(Exit exit, std::string path, std::string sentence)
      : Error("'" + path + "': " + sentence), exit(exit), path(std::move(path)), sentence(std::move(sentence)) {}
  Exit exit;
  std::string path, sentence;
};

}  // namespace lamina::graph
