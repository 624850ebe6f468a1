/// Bodies of plugins' own kernels, run where whatever they touch besides their tensors is seen.
#pragma once
#include "graph/graph.hpp"
#include "prove/findings.hpp"

namespace lamina::prove {

/// Replaces the CPU bodies of all custom kernels of a graph by ones that run them as the contract of lamina/kernel.hpp allows: twice, with
/// other splits and orders of the work items, on copies of their tensors that lie between forbidden pages, results filled with numbers that
/// no body knows. Faults: an access outside of a tensor, a changed input, elements that nobody writes, bits that depend on the split.
/// At most one Guard lives at a time, and it must outlive the programs made from the graph: bodies are plain functions.
class Guard {
 public:
  explicit Guard(Findings& found);
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  void wrap(graph::Graph& graph);
  size_t kernels() const;  ///< wrapped so far, each counted once
  size_t runs() const;
};

}  // namespace lamina::prove
