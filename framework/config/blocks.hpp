/// Blocks: named sub-networks that are written once and used many times.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/reader.hpp"

namespace lamina {

/// The layers of one use of a block, or of the network itself; names are looked up here.
struct BlockScope {
  std::string prefix;  ///< "" or "res1/"
  size_t parent = 0;   ///< of a block
  std::string input;   ///< what "in" stands for, a name in the parent's scope; "" for the parent's own input
  Place input_place = {};
  std::string previous = {};  ///< while it is being filled: the element before
};

/// A layer whose block arguments are filled in.
struct ExpandedLayer {
  Json object;
  std::string path, pointer, previous;  ///< previous: the name of the element before in its scope; "" for the first
  size_t scope = 0;
  bool trainable = true, training = true;  ///< of the blocks around it
  double learning_rate_scale = 1;
};

struct ExpandedNetwork {
  std::vector<BlockScope> scopes;              ///< scopes[0] is the network's own
  std::vector<ExpandedLayer> layers;           ///< in the order of the file
  std::map<std::string, std::string> results;  ///< path of a used block → path of its last element
  std::set<std::string> broken;                ///< paths of elements with a fault that leaves no layer: who reads them need not be told
};

inline constexpr size_t layer_limit = 100'000, block_depth_limit = 16;

/// Expands the blocks of `network`. Faults: blocks that contain themselves (naming the chain), unknown blocks and arguments, missing
/// arguments, names that are no names or stand twice, more than 100,000 layers, blocks nested deeper than 16.
ExpandedNetwork expand_blocks(const Json& network, SectionReader& reader);

}  // namespace lamina
