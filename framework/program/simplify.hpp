/// Passes on the recorded graph that leave its meaning alone.
#pragma once
#include <vector>

#include "graph/graph.hpp"

namespace lamina::program {

using graph::ValueId;

/// Numbers of the nodes that `roots` need, every node after what it reads; among those that are free to run, in the order of recording.
std::vector<uint32_t> ordered_nodes(const graph::Graph& g, const std::vector<ValueId>& roots);

/// Folds constants, drops operations that do nothing, unites equal ones; resolves assign. Rewrites nodes in place, and `roots`, and the
/// current versions of states. Random bits of one stream and step are equal and are united too.
void simplify(graph::Graph& g, std::vector<ValueId>& roots);

}  // namespace lamina::program
