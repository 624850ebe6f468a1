#include "executable.hpp"

#include <chrono>

#include "numbers.hpp"

namespace reference {

using lamina::describe;
using lamina::Error;

Executable::Executable(lamina::Program program, Storage& storage) : program_(std::move(program)), storage_(storage) {
  check_places();
  for (const Op& op : program_.ops) {
    const Maker make = find_maker(op.name);
    if (!make) op.fail("the reference backend does not know it");
    kernels_.push_back(make(op));
  }
  for (const Value& v : program_.values)
    if (v.is(LAMINA_INPUT)) inputs_.push_back(&v);
  seconds_.resize(program_.ops.size());
  if (storage_.arena.bytes() < program_.arena_bytes) storage_.arena = Buffer(program_.arena_bytes);
}

/// Every value that an op or an output names lies inside its memory; scalars are operands of maps alone.
void Executable::check_places() const {
  const auto check = [&](const Value& v, const std::string& where, bool scalar_allowed) {
    const auto refuse = [&](const std::string& why) {
      throw Error(describe(where, ": value ", v.number, " of shape ", v.shape, " ", why));
    };
    for (int64_t d : v.shape)
      if (d < 1) refuse("has no elements");
    if (!lamina::size_of(v.dtype)) refuse("has an unknown type");
    if (v.layout()) refuse("has a layout of another backend");
    if (v.is(LAMINA_SCALAR)) {
      if (!scalar_allowed) refuse("is a scalar of the step table, which only a map reads");
      if (v.raw.index >= program_.scalar_count) refuse("is a row that the step table does not have");
    } else if (v.is(LAMINA_TEMPORARY) || v.is(LAMINA_INPUT)) {
      if (v.raw.offset % 8 || v.raw.offset > program_.arena_bytes || v.dense_bytes() > program_.arena_bytes - v.raw.offset)
        refuse("lies outside the arena");
      if (v.is(LAMINA_INPUT) && v.raw.index >= program_.feed_count) refuse("is gathered from a feed that the program does not have");
    } else if (!v.is(LAMINA_STATE)) {
      refuse("is of an unknown kind");
    }
  };
  for (const Op& op : program_.ops) {
    for (uint32_t i = 0; i < op.in_count(); ++i)
      if (op.has_in(i)) check(op.in(i), op.where(), op.name == "map");
    for (uint32_t i = 0; i < op.out_count(); ++i)
      if (op.has_out(i)) check(op.out(i), op.where(), false);
  }
  for (const Value& v : program_.values)
    if (v.is(LAMINA_INPUT)) check(v, "an input", false);
  for (const auto& output : program_.outputs) {
    const Value& v = program_.values[output.value];
    check(v, "an output", true);
    if (output.offset > program_.output_bytes || v.dense_bytes() > program_.output_bytes - output.offset)
      throw Error(describe("value ", v.number, " does not fit into the ", program_.output_bytes, " bytes of the outputs"));
  }
}

/// State is created after the first program is prepared, so its places are checked when the first run begins.
void Executable::check_states() {
  if (states_checked_) return;
  const auto check = [&](const Value& v) {
    if (v.is(LAMINA_STATE) && (v.raw.index >= storage_.states.size() || v.dense_bytes() > storage_.states[v.raw.index].bytes()))
      throw Error(
          describe("value ", v.number, " of shape ", v.shape, " does not fit state entry ", v.raw.index, " of ", storage_.states.size()));
  };
  for (const Op& op : program_.ops) {
    for (uint32_t i = 0; i < op.in_count(); ++i)
      if (op.has_in(i)) check(op.in(i));
    for (uint32_t i = 0; i < op.out_count(); ++i)
      if (op.has_out(i)) check(op.out(i));
  }
  for (const auto& output : program_.outputs) check(program_.values[output.value]);
  states_checked_ = true;
}

void Executable::gather(const lamina::Run& run, const Value& input) const {
  const lamina_feed& feed = run.feeds[input.raw.index];
  std::byte* to = storage_.arena.data() + input.raw.offset;
  const auto* from = static_cast<const std::byte*>(feed.base);
  if (!from) throw Error(describe("feed ", input.raw.index, " of the program '", program_.name, "' has no data"));
  if (!feed.rows) {
    std::memcpy(to, from, input.dense_bytes());
    return;
  }
  const int64_t batch = input.rank() ? input.size(0) : 1;
  if (feed.row_bytes < 0 || uint64_t(feed.row_bytes) * uint64_t(batch) != input.dense_bytes())
    throw Error(describe("feed ", input.raw.index, " brings ", batch, " rows of ", feed.row_bytes, " bytes for an input of ",
                         input.dense_bytes(), " bytes"));
  for (int64_t b = 0; b < batch; ++b) std::memcpy(to + b * feed.row_bytes, from + feed.rows[b] * feed.row_bytes, size_t(feed.row_bytes));
}

void Executable::run(const lamina::Run& run) {
  check_states();
  if (run.feed_count < program_.feed_count) throw Error(describe("the run has ", run.feed_count, " feeds; wanted ", program_.feed_count));
  for (const Value* input : inputs_) gather(run, *input);
  const Memory memory{storage_, run};
  if (profiling_) {
    for (size_t i = 0; i < kernels_.size(); ++i) {
      const auto begin = std::chrono::steady_clock::now();
      kernels_[i](memory);
      seconds_[i] += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }
  } else {
    for (const Kernel& kernel : kernels_) kernel(memory);
  }
  if (run.outputs) show(run);
}

void Executable::show(const lamina::Run& run) const {
  const Memory memory{storage_, run};
  for (const auto& output : program_.outputs) {
    const Value& v = program_.values[output.value];
    std::byte* to = static_cast<std::byte*>(run.outputs) + output.offset;
    if (v.is(LAMINA_SCALAR))
      encode(v.dtype, run.scalars[v.raw.index], to);
    else
      std::memcpy(to, memory.at<std::byte>(v), v.dense_bytes());
  }
}

std::vector<lamina::OpTime> Executable::profile(bool enable) {
  std::vector<lamina::OpTime> times;
  if (profiling_)
    for (uint32_t i = 0; i < seconds_.size(); ++i) times.push_back({i, seconds_[i]});
  std::fill(seconds_.begin(), seconds_.end(), 0.0);
  profiling_ = enable;
  return times;
}

}  // namespace reference
