/// From ops to steps. Each op is lowered by one function, which runs twice: while planning it asks for layouts, scratch and in-place pairs;
/// while compiling the same calls give the places, and steps are made. So both cannot disagree.
#pragma once
#include <functional>
#include <map>
#include <optional>

#include <lamina/program.hpp>

#include "layout.hpp"
#include "step.hpp"

namespace lamina::cpu {

class Lowering {
 public:
  /// Planning. Layouts that are given (`fixed`) bind.
  Lowering(const Program& program, Planner& planner, int threads);
  /// Compiling.
  Lowering(const Program& program, int threads, std::vector<std::unique_ptr<Step>>& steps);

  const int threads;
  bool compiling() const { return steps_ != nullptr; }

  /// The layout of a value; one that nobody has decided takes its default here.
  uint64_t token(const Value& v);
  bool decided(const Value& v) const;
  void decide(const Value& v, uint64_t token);

  /// The operand in this layout; planning asks for a reorder where it has another.
  Place operand(const Op& op, size_t i, uint64_t token);
  /// The operand in its own layout if it has one stride per axis, else in the default layout.
  Place operand(const Op& op, size_t i, Shape& strides);
  /// The result in this layout; where the value's own is given and another, the op writes to scratch, and a reorder follows.
  Place result(const Op& op, size_t i, uint64_t token);
  /// The op that makes a value; null for inputs and states.
  const Op* maker(const Value& v) const;
  /// Bytes that live during this op, 64-aligned.
  Place scratch(uint64_t bytes);
  bool is_view(const Op& op) { return compiling() && place(op.in(0)) == place(op.out(0)); }
  void view(const Op& op) {
    if (planner_) planner_->view(op, 0, 0);
  }
  void overwrite(const Op& op, uint32_t result, uint32_t operand) {
    if (planner_) planner_->overwrite(op, result, operand);
  }
  /// `make()` gives a std::unique_ptr<Step>; called only while compiling.
  template <class Make>
  void add(const Make& make) {
    if (!steps_) return;
    steps_->push_back(make());
    steps_->back()->op = op_;
  }
  /// A step that copies from one layout to another.
  void add_reorder(Place from, uint64_t from_token, Place to, uint64_t to_token, int64_t count, size_t bytes);

  /// Bytes each thread's workspace needs; grows while compiling.
  uint64_t workspace_bytes = 0;

  void begin(const Op& op);
  void end(const Op& op);
  /// Planning: tells the planner every layout.
  void finish();
  Place place(const Value& v) const;

 private:
  struct Redirect {
    Place from, to;
    uint64_t from_token, to_token;
    int64_t count;
    size_t bytes;
  };
  const Program& program_;
  Planner* planner_ = nullptr;
  std::vector<std::unique_ptr<Step>>* steps_ = nullptr;
  std::vector<std::optional<uint64_t>> tokens_;               // planning
  std::map<uint32_t, std::optional<uint64_t>> state_tokens_;  // planning: one layout per state entry
  std::vector<Redirect> redirects_;
  uint64_t scratch_begin_ = 0, scratch_bytes_ = 0;
  uint32_t op_ = 0;
};

/// Lowers any op of the op list; Error names an op it does not know.
void lower(Lowering& l, const Op& op);
/// Whether `lower` runs this op itself; composites it does not are decomposed.
bool claims(const Op& op);

// The families; each in the .cpp of its name.
void lower_map(Lowering&, const Op&);
void lower_matmul(Lowering&, const Op&);
void lower_conv(Lowering&, const Op&);
void lower_pool(Lowering&, const Op&);
void lower_shape(Lowering&, const Op&);
void lower_index(Lowering&, const Op&);
void lower_softmax(Lowering&, const Op&);
void lower_normalize(Lowering&, const Op&);
void lower_kernel(Lowering&, const Op&);

}  // namespace lamina::cpu
