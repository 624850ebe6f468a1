/// "map": a fused region becomes passes over its iteration space.
#pragma once
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

/// Segments that are flat, in as few dispatches as there are forms of them; gives back the others.
std::vector<Segment> add_segments(Lowering& l, std::vector<Segment> segments);
/// Without folded results: one dispatch.
void add_elementwise(Lowering& l, const Pass& pass);
/// With folded results, all over the same loops: one dispatch, and one that combines partial results unless a workgroup reads it all.
void add_fold(Lowering& l, const Pass& pass);

}  // namespace lamina::vulkan
