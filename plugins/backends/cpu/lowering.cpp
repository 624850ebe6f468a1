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

Lowering::Lowering(const Program& program, Planner& planner, int threads)
    : threads(threads), program_(program), planner_(&planner), tokens_(program.values.size()) {
  for (const Value& v : program.values) {
    if (v.is(LAMINA_STATE)) {
      auto& known = state_tokens_[v.raw.index];
      if (v.raw.fixed) known = v.layout();
    } else if (v.is(LAMINA_INPUT)) {
      tokens_[v.number] = default_token(v.shape);
    }
  }
}

Lowering::Lowering(const Program& program, int threads, std::vector<std::unique_ptr<Step>>& steps)
    : threads(threads), program_(program), steps_(&steps) {}

bool Lowering::decided(const Value& v) const {
  if (compiling()) return true;
  return v.is(LAMINA_STATE) ? state_tokens_.at(v.raw.index).has_value() : tokens_[v.number].has_value();
}

void Lowering::decide(const Value& v, uint64_t token) {
  if (compiling()) return;
  (v.is(LAMINA_STATE) ? state_tokens_[v.raw.index] : tokens_[v.number]) = token;
}

uint64_t Lowering::token(const Value& v) {
  if (compiling()) return v.layout();
  if (!decided(v)) decide(v, default_token(v.shape));
  return v.is(LAMINA_STATE) ? *state_tokens_.at(v.raw.index) : *tokens_[v.number];
}

Place Lowering::place(const Value& v) const {
  switch (v.kind) {
    case LAMINA_STATE:
      return {Place::Space::state, v.raw.index, 0};
    case LAMINA_SCALAR:
      return {};
    default:
      return {Place::Space::arena, 0, v.raw.offset};
  }
}

Place Lowering::operand(const Op& op, size_t i, uint64_t wanted) {
  const Value& v = op.in(i);
  if (v.is(LAMINA_SCALAR)) op.fail("operand ", i, " is a scalar of the step table, which only maps can read");
  if (token(v) != wanted) {
    if (compiling()) op.fail("operand ", i, " did not arrive in the layout that was asked for");
    planner_->reorder(op, uint32_t(i), wanted, v.dense_bytes());
  }
  return place(v);
}

Place Lowering::operand(const Op& op, size_t i, Shape& strides) {
  const Value& v = op.in(i);
  uint64_t wanted = token(v);
  auto found = axis_strides(wanted, v.shape);
  if (!found) wanted = default_token(v.shape), found = axis_strides(wanted, v.shape);
  strides = *found;
  return operand(op, i, wanted);
}

Place Lowering::result(const Op& op, size_t i, uint64_t wanted) {
  const Value& v = op.out(i);
  if (!decided(v)) decide(v, wanted);
  const uint64_t own = token(v);
  if (own == wanted) return place(v);
  const Place from = scratch(v.dense_bytes());
  redirects_.push_back({from, place(v), wanted, own, v.count(), size_of(v.dtype)});
  return from;
}

const Op* Lowering::maker(const Value& v) const {
  for (const Op& op : program_.ops)
    for (size_t i = 0; i < op.out_count(); ++i)
      if (op.has_out(i) && op.out(i).number == v.number) return &op;
  return nullptr;
}

Place Lowering::scratch(uint64_t bytes) {
  const Place p{Place::Space::arena, 0, scratch_begin_ + scratch_bytes_};
  scratch_bytes_ += (bytes + 63) / 64 * 64;
  return p;
}

void Lowering::add_reorder(Place from, uint64_t from_token, Place to, uint64_t to_token, int64_t count, size_t bytes) {
  add([&] { return std::make_unique<ReorderStep>(from, to, Mover(from_token, to_token, count, bytes)); });
}

void Lowering::begin(const Op& op) {
  op_ = op.number, scratch_begin_ = op.raw.scratch, scratch_bytes_ = 0;
  redirects_.clear();
}

void Lowering::end(const Op& op) {
  for (const Redirect& r : redirects_) add_reorder(r.from, r.from_token, r.to, r.to_token, r.count, r.bytes);
  if (!scratch_bytes_) return;
  if (planner_) planner_->scratch(op, scratch_bytes_);
  if (compiling() && scratch_bytes_ > op.raw.scratch_bytes)
    op.fail("it needs ", scratch_bytes_, " bytes of scratch, but was given ", op.raw.scratch_bytes);
}

void Lowering::finish() {
  for (const Value& v : program_.values)
    if (!v.is(LAMINA_SCALAR) && !(v.is(LAMINA_STATE) && v.raw.fixed)) planner_->layout(v, token(v), v.dense_bytes());
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
