/// "map": a fused region becomes passes over its iteration space.
#pragma once
#include <algorithm>
#include <functional>

#include "map_code.hpp"

namespace lamina::vulkan {

/// One pass over a nest: kept results are stored element by element, folded ones reduced over the loops where they have stride 0.
struct Pass {
  struct Result {
    uint32_t from;    ///< what `body` makes it from
    uint32_t view;    ///< of the nest
    uint32_t reduce;  ///< LAMINA_KEEP, LAMINA_SUM, LAMINA_MAX, LAMINA_MIN
  };
  /// The name of the value behind a result.
  using Value = std::function<std::string(uint32_t from)>;

  const Op& op;
  Nest nest;
  std::vector<Tensor> tensors;  ///< per view
  std::vector<Result> kept, folded;
  std::function<Value(Kernel&, Elements&)> body;
};

/// Loops are counted in fours, or lanes are apart.
inline Elements::Lanes lanes_of(const Nest& nest) { return nest.sizes.back() % 4 == 0 ? Elements::Lanes::inner : Elements::Lanes::free; }
/// The loops over which a result of this view is reduced.
std::vector<size_t> folded_loops(const Nest& nest, uint32_t view);

/// How units of work are dealt out. The lanes of a CPU run fastest through loops that all of them take equally often, over neighbours.
struct Turns {
  uint32_t size;   ///< invocations of a workgroup
  uint64_t count;  ///< turns that each of them takes: in turn t of group g, unit (g · count + t) · size + its number
  uint64_t groups;
  bool exact;  ///< there are no more turns than units
};
Turns turns_of(const Limits& limits, uint64_t units);
/// The largest divisor of `units` up to `most`.
uint64_t exact_turns(uint64_t units, uint64_t most);
inline uint32_t lanes_size(const Limits& limits) { return std::clamp<uint32_t>(limits.subgroup, 4, 32); }

/// Segments that are flat, in as few dispatches as there are forms of them; gives back the others.
std::vector<Segment> add_segments(Lowering& l, std::vector<Segment> segments);
/// Without folded results: one dispatch.
void add_elementwise(Lowering& l, const Pass& pass);
/// With folded results, all over the same loops: one dispatch, and one that combines partial results unless a workgroup reads it all.
void add_fold(Lowering& l, const Pass& pass);

}  // namespace lamina::vulkan
