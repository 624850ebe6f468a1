#include "lowering.hpp"

#include <algorithm>

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

using Family = void (*)(Lowering&, const Op&);
const std::map<std::string, Family, std::less<>>& families() {
  static const std::map<std::string, Family, std::less<>> all = {
      {"map", lower_map},
      {"matmul", lower_matmul},
      {"conv", lower_conv},
      {"conv_backward_data", lower_conv},
      {"conv_backward_weights", lower_conv},
      {"max_pool", lower_pool},
      {"max_unpool", lower_pool},
      {"max_take", lower_pool},
      {"average_pool", lower_pool},
      {"average_pool_backward", lower_pool},
      {"reshape", lower_shape},
      {"transpose", lower_shape},
      {"slice", lower_shape},
      {"pad", lower_shape},
      {"concat", lower_shape},
      {"reverse", lower_shape},
      {"reorder", lower_shape},
      {"copy", lower_shape},
      {"argmax", lower_index},
      {"gather", lower_index},
      {"scatter_add", lower_index},
      {"softmax", lower_softmax},
      {"log_softmax", lower_softmax},
      {"softmax_cross_entropy", lower_softmax},
      {"softmax_cross_entropy_backward", lower_softmax},
      {"normalize", lower_normalize},
      {"normalize_backward", lower_normalize},
      {"kernel", lower_kernel},
  };
  return all;
}

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
  if (!families().count(op.name) || op.raw.revision > 1) return false;
  if (op.name == "normalize" || op.name == "normalize_backward") return per_channel(op);
  return true;
}

void lower(Lowering& l, const Op& op) {
  const auto found = families().find(op.name);
  if (found == families().end()) op.fail("the backend 'cpu' does not know this op");
  l.begin(op);
  found->second(l, op);
  l.end(op);
}

}  // namespace lamina::cpu
