/// Graph → fused ops. Elementwise ops and the reductions that close them become regions; everything else one op each.
#pragma once
#include "program/lowered.hpp"

namespace lamina::program {

struct NamedValue {
  std::string name;
  ValueId value;
};

/// `entry_of`: the number of each of the graph's states in the session. The graph must be simplified and legal for the backend.
/// `unite` false: no fusion, every node is an op of its own.
Lowered fuse(const graph::Graph& g, const std::vector<NamedValue>& outputs, const std::vector<uint32_t>& entry_of, uint32_t entry_count,
             bool unite = true);

/// Sorts ops so that each stands after those it reads; among those that are free to run, in the order of recording.
void order_ops(Lowered& program);

/// Unites regions of the update phase that are the same expression over other tensors into one op with segments.
void unite_segments(Lowered& program, uint32_t update_rank);

}  // namespace lamina::program
