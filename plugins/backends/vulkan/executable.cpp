#include "executable.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include <lamina/philox.hpp>
#include <lamina/plugin.hpp>

#include "items.hpp"
#include "kernel.hpp"

namespace lamina::vulkan {

Executable::Executable(Session& session, Program program, Lowering::Sink sink)
    : session_(session), program_(std::move(program)), sink_(std::move(sink)), seconds_(program_.ops.size(), 0) {
  const uint64_t alignment = session_.limits.alignment;
  table_offset_ = round_up(step_bytes(), alignment);
  words_ = Buffer(session_.device, table_offset_ + sink_.tables.size() * 4 + 64, Buffer::Kind::device, "the numbers of a step");
  session_.upload(sink_.tables.data(), {words_.handle(), table_offset_, sink_.tables.size() * 4});
  up_bytes_ = round_up(step_bytes(), alignment);
  for (const Value& v : program_.values) {
    if (!v.is(LAMINA_INPUT)) continue;
    const uint64_t bytes = round_up(v.dense_bytes(), 4), batch = v.rank() ? uint64_t(v.shape[0]) : 1;
    inputs_.push_back({&v, up_bytes_});
    up_bytes_ += round_up(std::max(bytes, batch * 4), alignment);
  }
  for (const auto& o : program_.outputs) {
    const Value& v = program_.values[o.value];
    outputs_.push_back({&v, o.offset, down_bytes_});
    if (!v.is(LAMINA_SCALAR)) down_bytes_ += round_up(v.dense_bytes(), 64);
  }
  if (sink_.watched.empty()) return;
  faults_ = Buffer(session_.device, sink_.fault_bytes, Buffer::Kind::device, "faults of kernels");
  faults_down_ = std::exchange(down_bytes_, down_bytes_ + sink_.fault_bytes);
}

Executable::~Executable() {
  try {
    session_.queue.wait_all();
  } catch (const std::exception&) {  // a lost device has nothing under way
  }
  for (Slot& s : slots_) session_.queue.free_buffer(s.before), session_.queue.free_buffer(s.after);
  session_.queue.free_buffer(body_), session_.queue.free_buffer(timed_body_);
}

std::vector<Span> Executable::spans_of(const Dispatch& d) const {
  std::vector<Span> spans;
  for (const Range& r : d.bindings) switch (r.space) {
      case Range::Space::arena:
        spans.push_back({session_.arena.handle(), r.offset, r.bytes});
        break;
      case Range::Space::state:
        spans.push_back({session_.state.handle(), session_.state_offsets.at(r.entry) + r.offset, r.bytes});
        break;
      case Range::Space::states:
        spans.push_back({session_.state.handle(), r.offset, r.bytes});
        break;
      case Range::Space::step:
        spans.push_back({words_.handle(), 0, table_offset_});
        break;
      case Range::Space::table:
        spans.push_back({words_.handle(), table_offset_ + r.offset, r.bytes});
        break;
      case Range::Space::faults:
        spans.push_back({faults_.handle(), r.offset, r.bytes});
        break;
    }
  return spans;
}

Command Executable::command_of(CommandMaker& maker, const Lowering::Sink::Step& step) {
  Command c;
  if (step.alternatives.empty()) {
    Dispatch place;
    place.bindings = {step.to};
    c = CommandMaker::fill(spans_of(place)[0], step.word);
  } else {
    const Dispatch& d = session_.tuner.fastest(step.alternatives, [&](const Dispatch& one) { return spans_of(one); });
    c = maker.dispatch(d, spans_of(d));
  }
  c.op = step.op;
  return c;
}

/// Records everything anew: at the first run, and when memory has moved.
void Executable::bind() {
  session_.queue.wait_all();
  if (session_.arena.bytes() < program_.arena_bytes)
    throw Error(describe("the program '", program_.name, "' has lost its memory to one that did not fit"));
  for (Slot& s : slots_) finish(s);
  maker_ = std::make_unique<CommandMaker>(session_.device, session_.pipelines);
  commands_.clear();
  for (const auto& step : sink_.steps) {
    try {
      commands_.push_back(command_of(*maker_, step));
    } catch (const Error& e) {
      program_.ops[step.op].fail(e.what());
    }
  }
  if (!body_) body_ = session_.queue.make_buffer();
  barriers_ = session_.queue.record(body_, commands_);
  if (session_.device.timestamp_bits && !commands_.empty()) {
    const VkQueryPoolCreateInfo info{VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, nullptr, 0, VK_QUERY_TYPE_TIMESTAMP,
                                     uint32_t(commands_.size() * 2),           0};
    VkQueryPool pool{};
    check(vkCreateQueryPool(session_.device.handle, &info, nullptr, &pool), "making room for timestamps");
    queries_ = {session_.device.handle, pool};
    if (!timed_body_) timed_body_ = session_.queue.make_buffer();
    session_.queue.record(timed_body_, commands_, queries_);
  }
  for (Slot& s : slots_) make_slot(s);
  bound_ = session_.version;
}

void Executable::make_slot(Slot& s) {
  if (!s.up.handle()) s.up = Buffer(session_.device, up_bytes_, Buffer::Kind::upload, "a batch");
  if (!s.before) s.before = session_.queue.make_buffer(), s.after = session_.queue.make_buffer();
  s.maker.reset();  // recorded at the next run
  if (!down_bytes_) return;
  if (!s.down.handle()) s.down = Buffer(session_.device, down_bytes_, Buffer::Kind::readback, "outputs");
  std::vector<Command> commands;
  for (const Output& o : outputs_) {
    if (o.value->is(LAMINA_SCALAR)) continue;
    const Span from = session_.span_of(*o.value);
    commands.push_back(CommandMaker::copy(from, {s.down.handle(), o.offset, from.bytes}));
  }
  if (faults_.handle())
    commands.push_back(CommandMaker::copy({faults_.handle(), 0, sink_.fault_bytes}, {s.down.handle(), faults_down_, sink_.fault_bytes}));
  session_.queue.record(s.after, commands);
}

/// What comes before the step: its table and its batch. Rows of a data set that is on the device are gathered there.
void Executable::record_before(Slot& s, const std::vector<const void*>& kept) {
  s.maker.reset();  // until all is recorded
  auto maker = std::make_unique<CommandMaker>(session_.device, session_.pipelines);
  std::vector<Command> commands;
  if (!sink_.scalars.empty() || !sink_.streams.empty())
    commands.push_back(CommandMaker::copy({s.up.handle(), 0, step_bytes()}, {words_.handle(), 0, step_bytes()}));
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const Span to = session_.span_of(*inputs_[i].value);
    if (!kept[i]) {
      commands.push_back(CommandMaker::copy({s.up.handle(), inputs_[i].offset, to.bytes}, to));
      continue;
    }
    const Session::Kept& data = session_.kept.at(kept[i]);
    const uint64_t batch = uint64_t(inputs_[i].value->shape.at(0)), row_words = to.bytes / 4 / batch;
    Dispatch d;
    d.shader.name = "gather_rows.comp";
    d.constants = {session_.limits.lanes ? 8u : std::min(256u, session_.limits.invocations)};
    d.push = {uint32_t(row_words), uint32_t(batch), uint32_t(data.data.bytes() / 4 / row_words)};
    const uint64_t groups = (to.bytes / 4 + d.constants[0] - 1) / d.constants[0], most = session_.limits.groups;
    d.groups = {uint32_t(std::min(groups, most)), uint32_t((groups + most - 1) / most), 1};
    d.bindings.resize(3);
    commands.push_back(maker->dispatch(d, {{data.data.handle(), 0, data.data.bytes()}, {s.up.handle(), inputs_[i].offset, batch * 4}, to}));
  }
  session_.queue.record(s.before, commands);
  s.maker = std::move(maker), s.kept = kept;
}

void Executable::fill(Slot& s, const Run& run) {
  auto* words = reinterpret_cast<uint32_t*>(s.up.data());
  for (size_t i = 0; i < sink_.scalars.size(); ++i) words[i] = word_of(run.scalars[sink_.scalars[i].row], sink_.scalars[i].dtype);
  for (size_t i = 0; i < sink_.streams.size(); ++i) {
    const RandomStream r = RandomStream::of(run.seed, sink_.streams[i], run.step, run.micro_batch);
    const uint32_t four[4] = {r.key0, r.key1, r.step, r.micro_batch};
    std::memcpy(words + first_stream_word + 4 * i, four, sizeof four);
  }
  std::vector<const void*> kept(inputs_.size(), nullptr);
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const Input& in = inputs_[i];
    const uint32_t number = in.value->raw.index;
    if (number >= run.feed_count)
      throw Error(describe("the program '", program_.name, "' reads feed ", number, ", but the run has ", run.feed_count));
    const lamina_feed& feed = run.feeds[number];
    char* to = s.up.data() + in.offset;
    const auto* base = static_cast<const char*>(feed.base);
    const int64_t batch = in.value->rank() ? in.value->shape[0] : 1;
    const uint64_t row_bytes = feed.rows ? uint64_t(feed.row_bytes) : in.value->dense_bytes() / uint64_t(batch);
    if (row_bytes * uint64_t(batch) != in.value->dense_bytes())
      throw Error(describe("feed ", number, " brings rows of ", row_bytes, " bytes for an input of ", in.value->dense_bytes(), " bytes"));
    const auto row = [&](int64_t b) { return base + uint64_t(feed.rows ? feed.rows[b] : b) * row_bytes; };
    if (in.value->dtype == DType::float64) {  // the device has them as float32
      for (int64_t b = 0; b < batch; ++b)
        for (uint64_t at = 0; at < row_bytes; at += 8) {
          double wide;
          std::memcpy(&wide, row(b) + at, 8);
          const float narrow = float(wide);
          std::memcpy(to + (uint64_t(b) * row_bytes + at) / 2, &narrow, 4);
        }
      continue;
    }
    const auto there = session_.kept.find(feed.base);
    if (feed.rows && there != session_.kept.end() && row_bytes % 4 == 0 && there->second.bytes / row_bytes <= UINT32_MAX) {
      kept[i] = feed.base;
      for (int64_t b = 0; b < batch; ++b) {
        const auto sample = uint32_t(feed.rows[b]);
        std::memcpy(to + b * 4, &sample, 4);
      }
    } else {
      for (int64_t b = 0; b < batch; ++b) std::memcpy(to + uint64_t(b) * row_bytes, row(b), row_bytes);
    }
  }
  if (!s.maker || s.kept != kept) record_before(s, kept);
  s.scalars.assign(run.scalars, run.scalars + program_.scalar_count);
}

void Executable::run(const Run& run) {
  if (bound_ != session_.version) bind();
  Slot& s = slots_[next_];
  next_ = (next_ + 1) % slot_count;
  finish(s);
  fill(s, run);
  s.outputs = run.outputs;
  std::vector<VkCommandBuffer> buffers = {s.before, timed_ ? timed_body_ : body_};
  if ((run.outputs && down_bytes_) || faults_.handle()) buffers.push_back(s.after);
  s.ticket = session_.queue.add(buffers);
  if (!timed_) return;
  finish(s);
  read_times();
}

/// Waits for the run of a slot and gives its outputs to the host.
void Executable::finish(Slot& s) {
  if (!s.ticket) return;
  session_.queue.wait(s.ticket);
  s.ticket = 0;
  if (s.outputs) deliver(s);
  if (faults_.handle()) check_kernels(s);
}

void Executable::check_kernels(const Slot& s) const {
  std::string found;
  for (const auto& w : sink_.watched) {
    const std::string faults =
        kernel_faults(program_.ops[w.op], reinterpret_cast<const uint32_t*>(s.down.data() + faults_down_ + w.offset));
    if (!faults.empty()) found += (found.empty() ? "" : "\n") + faults;
  }
  if (!found.empty()) throw Error(found);
}

void Executable::deliver(Slot& s) {
  char* to = static_cast<char*>(std::exchange(s.outputs, nullptr));
  for (const Output& o : outputs_) {
    const Value& v = *o.value;
    if (v.is(LAMINA_SCALAR)) {
      const double number = s.scalars.at(v.raw.index);
      const uint32_t word = word_of(number, v.dtype);
      if (v.dtype == DType::float64)
        std::memcpy(to + o.to, &number, sizeof number);
      else
        std::memcpy(to + o.to, &word, size_of(v.dtype));
    } else {
      from_layout(v.layout(), v.count(), size_of(v.dtype), s.down.data() + o.offset, to + o.to);
    }
  }
}

void Executable::wait() {
  for (size_t i = 0; i < slot_count; ++i) finish(slots_[(next_ + i) % slot_count]);
}

void Executable::read_times() {
  std::vector<uint64_t> ticks(commands_.size() * 2);
  check(vkGetQueryPoolResults(session_.device.handle, queries_, 0, uint32_t(ticks.size()), ticks.size() * 8, ticks.data(), 8,
                              VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT),
        "reading timestamps");
  for (size_t i = 0; i < commands_.size(); ++i) seconds_[commands_[i].op] += session_.device.seconds(ticks[2 * i], ticks[2 * i + 1]);
}

std::vector<OpTime> Executable::profile(bool enable) {
  wait();
  if (bound_ != session_.version) bind();
  timed_ = enable && timed_body_;
  if (!timed_body_) return {};  // no clock
  std::vector<OpTime> times;
  for (size_t i = 0; i < seconds_.size(); ++i) times.push_back({uint32_t(i), seconds_[i]});
  std::fill(seconds_.begin(), seconds_.end(), 0.0);
  return times;
}

std::string Executable::explain() {
  if (bound_ != session_.version) bind();
  size_t dispatches = 0;
  for (const Command& c : commands_) dispatches += c.pipeline != nullptr;
  std::string text = describe(dispatches, " dispatches, ", commands_.size() - dispatches, " copies and fills, ", barriers_, " barriers\n");
  for (const Command& c : commands_) {
    const Op& op = program_.ops[c.op];
    text += describe(op.path, "  ", op.name, "  ");
    if (c.pipeline)
      text += describe(c.pipeline->code->name, "  ", c.groups[0], "x", c.groups[1], "x", c.groups[2], " workgroups\n");
    else
      text += c.from ? "copy\n" : "fill\n";
  }
  return text;
}

}  // namespace lamina::vulkan
