#include "lowering.hpp"

#include <algorithm>

#include "common/families.hpp"
#include "move.hpp"

namespace lamina::cpu {

namespace {

class ReorderStep : public Step {
 public:
  ReorderStep(Place from, Place to, Mover mover) : from_(from), to_(to), mover_(std::move(mover)) {}
  void bind(const Memory& m) override { source_ = m.at(from_), target_ = m.at(to_); }
  void run(const Moment& now) override { mover_.run(source_, target_, now.threads); }

 private:
  Place from_, to_;
  Mover mover_;
  const void* source_ = nullptr;
  void* target_ = nullptr;
};

}  // namespace

void Lowering::add_reorder(Place from, uint64_t from_token, Place to, uint64_t to_token, int64_t count, DType dtype) {
  add([&] { return std::make_unique<ReorderStep>(from, to, Mover(from_token, to_token, count, size_of(dtype))); });
}

namespace {

constexpr Families<Lowering> families{"cpu",       lower_map,   lower_matmul,  lower_conv,      lower_pool,
                                      lower_shape, lower_index, lower_softmax, lower_normalize, lower_kernel};

/// Normalization over everything but the channels, with one weight and bias per channel: the only form with loops of its own.
bool per_channel(const Op& op) {
  const Shape& x = op.in(0).shape;
  if (x.size() < 2) return false;
  Shape axes = op.list("axes"), wanted = {0}, kept(x.size(), 1);
  std::sort(axes.begin(), axes.end());
  for (size_t a = 2; a < x.size(); ++a) wanted.push_back(int64_t(a));
  kept[1] = x[1];
  if (axes != wanted || op.in(1).shape != kept) return false;
  return op.name != "normalize" || op.in(2).shape == kept;
}

}  // namespace

bool claims(const Op& op) {
  if (!families.find(op.name) || op.raw.revision > 1) return false;
  if (op.name == "kernel") return op.kernel.cpu_float != nullptr;
  if (op.name == "normalize" || op.name == "normalize_backward") return per_channel(op);
  return true;
}

void lower(Lowering& l, const Op& op) { families.lower(l, op); }

}  // namespace lamina::cpu
