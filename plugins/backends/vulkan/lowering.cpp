#include "lowering.hpp"

#include <algorithm>

#include "common/families.hpp"
#include "precision.hpp"

namespace lamina::vulkan {

Lowering::Lowering(const Program& program, Planner& planner, const Limits& limits)
    : Planning(program, planner, limits.alignment), limits(limits) {
  for (const Value& v : program.values)
    if (v.is(LAMINA_INPUT)) decide(v, 0);  // rows of samples, as the host has them
  if (limits.storage != DType::float32)
    for (const Value* v : narrow_values(*this, program)) store_as(*v, limits.storage);
}
Lowering::Lowering(const Program& program, const Limits& limits, Sink& sink)
    : Planning(program, limits.alignment), limits(limits), sink_(&sink) {}

Range Lowering::range(Place place, uint64_t bytes) {
  const auto space = place.space == Place::Space::state ? Range::Space::state : Range::Space::arena;
  return {space, place.entry, place.offset, round_up(bytes, 4)};
}

uint64_t Lowering::address(Place place) const {
  if (!sink_) return 0;
  return place.offset + (place.space == Place::Space::state ? sink_->state_offsets.at(place.entry) : 0);
}

void Lowering::add(Dispatch dispatch) {
  if (!sink_) return;
  std::vector<Dispatch> only;
  only.push_back(std::move(dispatch));
  add_best(std::move(only));
}

void Lowering::add_best(std::vector<Dispatch> alternatives) {
  if (!sink_) return;
  for (const Dispatch& d : alternatives) {
    const Op& op = program_.ops.at(op_);
    if (d.bindings.size() > limits.bindings)
      op.fail("it needs ", d.bindings.size(), " storage buffers in one shader, but this device allows ", limits.bindings);
    if (d.push.size() > 32) op.fail("its shader wants ", d.push.size(), " push constants; 32 words are the most");
    for (const Range& r : d.bindings)
      if (r.bytes > limits.range)
        op.fail("a tensor of ", r.bytes, " bytes is more than this device can bind to a shader, ", limits.range,
                "; a smaller batch_size helps");
    for (uint32_t n : d.groups)
      if (n < 1 || n > limits.groups) op.fail("it needs ", n, " workgroups along one axis, but this device allows 1 to ", limits.groups);
  }
  sink_->steps.push_back({op_, std::move(alternatives)});
}

void Lowering::add_fill(Range range, uint32_t word) {
  if (sink_) sink_->steps.push_back({op_, {}, range, word});
}

Range Lowering::step_table() const {
  return {Range::Space::step, 0, 0, 0};  // as long as the program's table is
}

uint32_t Lowering::scalar_word(const Value& scalar, DType dtype) {
  if (!sink_) return 0;
  auto& list = sink_->scalars;
  const auto same = [&](const Sink::Scalar& s) { return s.row == scalar.raw.index && s.dtype == dtype; };
  const auto found = std::find_if(list.begin(), list.end(), same);
  if (found != list.end()) return uint32_t(found - list.begin());
  if (list.size() == first_stream_word)
    throw Error(describe("a program may use ", first_stream_word, " scalars of the step table, not more"));
  list.push_back({scalar.raw.index, dtype});
  return uint32_t(list.size() - 1);
}

uint32_t Lowering::stream_words(uint64_t key) {
  if (!sink_) return 0;
  auto& list = sink_->streams;
  const auto found = std::find(list.begin(), list.end(), key);
  const size_t number = size_t(found - list.begin());
  if (found == list.end()) list.push_back(key);
  return uint32_t(first_stream_word + 4 * number);
}

Range Lowering::table(const std::vector<uint32_t>& words) {
  Range r{Range::Space::table, 0, 0, words.size() * 4};
  if (!sink_) return r;
  const size_t unit = limits.alignment / 4;
  sink_->tables.resize((sink_->tables.size() + unit - 1) / unit * unit);
  r.offset = sink_->tables.size() * 4;
  sink_->tables.insert(sink_->tables.end(), words.begin(), words.end());
  return r;
}

Range Lowering::faults(uint64_t words) {
  Range r{Range::Space::faults, 0, 0, words * 4};
  if (!sink_) return r;
  r.offset = round_up(sink_->fault_bytes, limits.alignment);
  sink_->watched.push_back({op_, r.offset});
  sink_->fault_bytes = r.offset + r.bytes;
  return r;
}

std::array<uint32_t, 3> Lowering::spread(uint64_t groups) const {
  const uint64_t most = limits.groups, rows = (groups + most - 1) / most;
  if (rows > most) throw Error(describe("a kernel needs ", groups, " workgroups; this device allows ", most, " along an axis"));
  const uint64_t width = rows <= 1 ? groups : (groups + rows - 1) / rows;
  return {uint32_t(std::max<uint64_t>(width, 1)), uint32_t(std::max<uint64_t>(rows, 1)), 1};
}

namespace {

constexpr Families<Lowering> families{"vulkan",    lower_map,   lower_matmul,  lower_conv, lower_pool,
                                      lower_shape, lower_index, lower_softmax, nullptr,    lower_kernel};

}  // namespace

/// normalize and its gradient are left to be decomposed: their sums and the rest fuse with what stands around them.
bool claims(const Op& op) {
  if (op.raw.revision > 1) return false;
  if (op.name == "kernel") return op.kernel.glsl != nullptr;
  return families.find(op.name) != nullptr;
}

void lower(Lowering& l, const Op& op) { families.lower(l, op); }

}  // namespace lamina::vulkan
