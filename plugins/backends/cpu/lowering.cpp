#include "lowering.hpp"

#include <algorithm>

#include "common/families.hpp"
#include "common/precision.hpp"
#include "kernels.hpp"
#include "map_code.hpp"
#include "move.hpp"
#include "threads.hpp"

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

/// From bfloat16 to float32 or back.
class ConversionStep : public Step {
 public:
  ConversionStep(const Operand& from, const Operand& to) : from_(from), to_(to) {}
  void bind(const Memory& m) override { source_ = m.at<char>(from_.place), target_ = m.at<char>(to_.place); }
  void run(const Moment& now) override {
    in_parts(from_.count, from_.count < 16384 ? 1 : now.threads, [&](int, int64_t begin, int64_t end) {
      const char* from = source_ + size_t(begin) * size_of(from_.type);
      char* to = target_ + size_t(begin) * size_of(to_.type);
      if (to_.type == DType::float32)
        kernels().load(to, from, stored_as(from_.type), size_t(end - begin));
      else
        kernels().store(to, from, stored_as(to_.type), size_t(end - begin));
    });
  }

 private:
  Operand from_, to_;
  const char* source_ = nullptr;
  char* target_ = nullptr;
};

/// What has loops for bfloat16. Everything else reads and writes float32.
Reach reach_of(const Op& op) {
  static const std::map<std::string, Reach, std::less<>> all = {
      {"conv", {1, true}},
      {"conv_backward_data", {1, true}},
      {"conv_backward_weights", {3, false}},
      {"matmul", {3, true}},
      {"normalize", {1, true}},
      {"normalize_backward", {1 | 1 << 4, true}},
      {"max_pool", {1, true}},
      {"max_unpool", {1, true}},
      {"average_pool", {1, true}},
      {"average_pool_backward", {1, true}},
      {"map", {~0u, true}},
      // What copies bytes, or is a view of them.
      {"slice", {1, true, true}},
      {"reverse", {1, true, true}},
      {"pad", {1, true, true}},
      {"concat", {~0u, true, true}},
      {"reshape", {1, true, true}},
      {"transpose", {1, true, true}},
      {"copy", {1, true, true}},
  };
  const auto found = all.find(op.name);
  return found == all.end() ? Reach{} : found->second;
}

}  // namespace

Lowering::Lowering(const Program& program, Planner& planner, const Settings& settings) : Planning(program, planner), settings(settings) {
  if (settings.storage == DType::float32) return;
  for (const Value* v : narrow_values(program, reach_of)) store_as(*v, settings.storage);
}

void Lowering::add_conversion(const Operand& from, const Operand& to) {
  add([&] { return std::make_unique<ConversionStep>(from, to); });
}

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
