/// From ops to steps: the planning that backends share, with steps added while compiling.
#pragma once
#include <lamina/program.hpp>

#include "step.hpp"

namespace lamina::cpu {

/// What a session computes with.
struct Settings {
  int threads = 1;
  DType storage = DType::float32;  ///< of activations and their gradients in memory: float32 or bfloat16
  bool narrow_products = false;    ///< of bfloat16 by oneDNN's kernels for it; else their operands are widened to float32
};

/// A tensor of float32 or bfloat16 as it stands in memory: what an op reads or writes.
struct Operand {
  Place place;
  int64_t count;
  DType type = DType::float32;
  bool narrow() const { return type != DType::float32; }
};

class Lowering : public Planning {
 public:
  Lowering(const Program& program, Planner& planner, const Settings& settings);
  Lowering(const Program& program, const Settings& settings, std::vector<std::unique_ptr<Step>>& steps)
      : Planning(program), settings(settings), steps_(&steps) {}

  const Settings settings;
  /// `make()` gives a std::unique_ptr<Step>; called only while compiling.
  template <class Make>
  void add(const Make& make) {
    if (!steps_) return;
    steps_->push_back(make());
    steps_->back()->op = op_;
  }
  Operand stored_at(Place place, const Value& v) const { return {place, v.count(), stored(v)}; }
  Operand read(const Op& op, size_t i, uint64_t token) { return stored_at(operand(op, i, token), op.in(i)); }
  Operand written(const Op& op, size_t i, uint64_t token) { return stored_at(result(op, i, token), op.out(i)); }
  /// The first result; where nobody asks for it, scratch of `count` elements of `type`.
  Operand written_or_scratch(const Op& op, uint64_t token, int64_t count, DType type) {
    return op.has_out(0) ? written(op, 0, token) : Operand{scratch(uint64_t(count) * size_of(type)), count, type};
  }
  void add_conversion(const Operand& from, const Operand& to);
  void add_reorder(Place from, uint64_t from_token, Place to, uint64_t to_token, int64_t count, DType dtype) override;

  /// Bytes each thread's workspace needs; grows while compiling.
  uint64_t workspace_bytes = 0;

 private:
  std::vector<std::unique_ptr<Step>>* steps_ = nullptr;
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
