/// Where every value lies: state updates in place, one arena for the rest, scratch for the length of its op.
#pragma once
#include <set>
#include <tuple>

#include "program/lowered.hpp"

namespace lamina::program {

/// What a backend asked for in prepare.
struct Preparation {
  struct Reorder {
    uint32_t op, operand;
    uint64_t layout, bytes, alignment;
  };
  std::set<std::tuple<uint32_t, uint32_t, uint32_t>> overwrites, views;  ///< op, result, operand
  std::vector<Reorder> reorders;
};

/// Before prepare: next versions that may be written straight into their state (no older reader comes later) become values of kind STATE;
/// the others get a "copy" op at the end. No output may name a version that is replaced: fuse has copied those.
void place_commits(Lowered& program);

/// After prepare: takes back what the backend cannot do in place, inserts reorders, assigns offsets. Throws Error when the arena or an
/// output would exceed what can be addressed.
void plan_memory(Lowered& program, Preparation preparation);

}  // namespace lamina::program
