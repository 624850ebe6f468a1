/// The planning that backends share: which layout every value has, where its bytes are, what an op needs beside them. A backend lowers each
/// op by one function that runs twice: while planning it asks for layouts, scratch and in-place pairs; while compiling the same calls give
/// the places. So both cannot disagree.
#pragma once
#include <map>
#include <optional>

#include <lamina/program.hpp>

#include "nest.hpp"

namespace lamina::backends {

/// The next multiple of `unit`.
constexpr uint64_t round_up(uint64_t bytes, uint64_t unit) { return (bytes + unit - 1) / unit * unit; }

/// Where bytes are, before memory has an address.
struct Place {
  enum class Space : uint8_t { none, arena, state };
  Space space = Space::none;
  uint32_t entry = 0;   ///< of the state
  uint64_t offset = 0;  ///< in the arena
  auto operator<=>(const Place&) const = default;
};

class Planning {
 public:
  /// Planning. Layouts that are given (`fixed`) bind. `alignment` of all values and scratch, a power of two from 64 on.
  Planning(const Program& program, Planner& planner, uint64_t alignment = 64);
  /// Compiling.
  explicit Planning(const Program& program, uint64_t alignment = 64);
  virtual ~Planning() = default;

  bool compiling() const { return planner_ == nullptr; }

  /// The layout of a value; one that nobody has decided takes its default here.
  uint64_t token(const Value& v);
  bool decided(const Value& v) const;
  void decide(const Value& v, uint64_t token);

  /// The type that a value's elements are stored in: its own, unless `store_as` said otherwise.
  DType stored(const Value& v) const;
  uint64_t stored_bytes(const Value& v) const { return uint64_t(v.count()) * size_of(stored(v)); }

  /// The operand in this layout; planning asks for a reorder where it has another.
  Place operand(const Op& op, size_t i, uint64_t token);
  /// The operand in its own layout if it has one stride per axis, else in the default layout.
  Place operand(const Op& op, size_t i, Shape& strides);
  /// The result in this layout; where the value's own is given and another, the op writes to scratch, and a reorder follows.
  Place result(const Op& op, size_t i, uint64_t token);
  /// Bytes that live during this op.
  Place scratch(uint64_t bytes);
  bool is_view(const Op& op) const { return compiling() && place(op.in(0)) == place(op.out(0)); }
  void view(const Op& op) {
    if (planner_) planner_->view(op, 0, 0);
  }
  void overwrite(const Op& op, uint32_t result, uint32_t operand) {
    if (planner_) planner_->overwrite(op, result, operand);
  }
  /// Copies from one layout to another; while planning it does nothing.
  virtual void add_reorder(Place from, uint64_t from_token, Place to, uint64_t to_token, int64_t count, DType dtype) = 0;

  /// The op that makes a value, before whatever reorders it; null for inputs and states.
  const Op* maker(const Value& v) const;
  Place place(const Value& v) const;

  void begin(const Op& op);
  void end(const Op& op);
  /// Planning: tells the planner every layout.
  void finish();

 protected:
  /// Planning, before anything is lowered: temporaries of float32 that are float16 or bfloat16 in memory.
  void store_as(const Value& v, DType type);
  const Program& program_;
  uint32_t op_ = 0;  ///< number of the op that is lowered

 private:
  struct Redirect {
    Place from, to;
    uint64_t from_token, to_token;
    int64_t count;
    DType dtype;
  };
  Planner* planner_ = nullptr;
  const uint64_t alignment_;
  uint64_t border_token(const Value& v, uint64_t token) const;  ///< with the stored type, as the planner keeps it
  std::vector<std::optional<uint64_t>> tokens_;                 // planning
  std::map<uint32_t, DType> stored_;                            // planning: of values that are not stored in their own type
  std::map<uint32_t, std::optional<uint64_t>> state_tokens_;    // planning: one layout per state entry
  std::vector<Redirect> redirects_;
  uint64_t scratch_begin_ = 0, scratch_bytes_ = 0;
};

/// What a map's operand or result is in the loops of its segment.
struct Segment {
  const Op* op;
  uint32_t number;
  Nest nest;                      ///< views: operands that are tensors, then iotas (their offset is the coordinate), then results
  std::vector<int> operand_view;  ///< per operand; −1 for scalars
  std::vector<int> iota_view;     ///< per instruction; −1 for others
  std::vector<int> result_view;   ///< per result
  std::vector<Place> places;      ///< per view; none for iotas
  std::vector<DType> stored;      ///< per view: what its elements are in memory
  uint64_t order = 0;             ///< the layout in whose order the space is iterated
};
/// Segment `number` of a map: the order it is iterated in, and where its operands and results are. Results that may take an operand's place
/// are told to the planner.
Segment plan_segment(Planning& p, const Op& op, uint32_t number);

/// reshape, transpose, reorder and copy: views wherever the planner grants them, else a reorder.
void lower_moved(Planning& p, const Op& op);

/// batch × (m × k) · (k × n); strides in elements.
struct MatmulShape {
  int64_t batch, m, n, k;
  int64_t am, ak, bk, bn;  ///< of a's rows and inner axis, of b's inner axis and columns: one of each pair is 1
};
struct MatmulPlan {
  MatmulShape shape;
  Place a, b, c;  ///< c is [batch, m, n], dense
};
/// A matmul whose operands are read as they stand wherever they can be. The order of the inner axis is free as long as both agree, so a
/// dense layer behind a flattened image moves nothing.
MatmulPlan plan_matmul(Planning& p, const Op& op);

}  // namespace lamina::backends
