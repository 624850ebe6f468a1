/// "map": a fused region becomes passes over its iteration space.
#pragma once
#include <algorithm>
#include <functional>
#include <optional>

#include "map_code.hpp"

namespace lamina::vulkan {

/// A map over the sums of the op before it, element by element.
struct Epilogue {
  Segment segment;
  std::vector<Tensor> tensors;  ///< per view
  std::vector<int> sums;        ///< per view: the number of the sum that it shows; −1: it is in memory
};

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
  std::optional<Epilogue> epilogue;
};

/// The value behind a view of a segment that is no coordinate.
const Value& shown_by(const Segment& segment, size_t view);

/// Loops are counted in fours, or lanes are apart.
inline Elements::Lanes lanes_of(const Nest& nest) { return nest.sizes.back() % 4 == 0 ? Elements::Lanes::inner : Elements::Lanes::free; }
/// The loops over which a result of this view is reduced.
std::vector<size_t> folded_loops(const Nest& nest, uint32_t view);

/// How units of work are dealt out. The lanes of a CPU run fastest through loops that all of them take equally often, over neighbours.
struct Turns {
  uint32_t size;   ///< invocations of a workgroup
  uint64_t count;  ///< turns that each of them takes: in turn t of group g, unit (g · count + t) · size + its number
  uint64_t groups;
  bool exact;  ///< there are no more turns than units, and no workgroups beyond
};
Turns turns_of(const Limits& limits, uint64_t units);
/// The largest divisor of `units` up to `most`.
uint64_t exact_turns(uint64_t units, uint64_t most);
inline uint32_t lanes_size(const Limits& limits) { return std::clamp<uint32_t>(limits.subgroup, 4, 32); }

/// GLSL of a reduction, LAMINA_SUM, LAMINA_MAX or LAMINA_MIN; `sum` is the name of a register.
struct Fold {
  uint32_t reduce;
  DType dtype;
  std::string sum;  ///< the name of its register
  std::string identity() const;
  std::string of(const std::string& a, const std::string& b) const;
  std::string define() const { return Elements::register_of(dtype) + " " + sum + " = " + identity() + ";\n"; }
  std::string add(const std::string& value) const { return sum + " = " + of(sum, value) + ";\n"; }
  std::string over_lanes() const;  ///< all lanes get it
  /// Over `parts` invocations of a workgroup, `step` apart; the one whose `part` is 0 gets it. All invocations must come here. Uses
  /// `number`, that of the invocation, at most 256 of them.
  std::string over_workgroup(const std::string& part, const std::string& parts, const std::string& step) const;
};

/// Sums of which several workgroups (on a CPU's lanes: invocations) have a part each. All are expressions of uint but the numbers.
struct Shares {
  std::string valid;              ///< of bool: this invocation has a part
  std::string part, parts, step;  ///< within the workgroup, as in Fold::over_workgroup
  std::string slot, slots;        ///< the part that this workgroup or invocation leaves, of all
  std::string room;               ///< where in the partial results those of slot `slot_` are
  uint64_t rooms;                 ///< of partial results in all; they stand among the tables, so that ops merged may use the arena
  std::string counter;            ///< of those that have left their part
  uint64_t counters;
};
/// Each leaves its part, and whoever comes last combines them, in an order that does not depend on who that is; then `store` stores the
/// sums.
std::string combined(Lowering& l, Kernel& kernel, const std::vector<Fold>& folds, const Shares& shares, const std::string& store);

/// The op behind this one, where the pass's last workgroup can do its work; it is merged then.
std::optional<Epilogue> epilogue_of(Lowering& l, const Pass& pass);
/// Statements behind the sums. `here` is the number of the column, in fours where `wide`.
std::string text_of(Lowering& l, Kernel& kernel, const Epilogue& epilogue, const std::vector<Fold>& sums, bool wide);

/// Segments that are flat, in as few dispatches as there are forms of them; gives back the others.
std::vector<Segment> add_segments(Lowering& l, const std::vector<Segment>& segments);
/// Without folded results: one dispatch.
void add_elementwise(Lowering& l, const Pass& pass);
/// With folded results, all over the same loops: one dispatch, whose last workgroup combines what the others have summed up.
void add_fold(Lowering& l, const Pass& pass);

}  // namespace lamina::vulkan
