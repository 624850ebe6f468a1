#include "session.hpp"

#include <algorithm>
#include <cstring>

#include <lamina/plugin.hpp>

#include "executable.hpp"

namespace lamina::vulkan {

namespace {

constexpr uint64_t slack = 64;                          ///< behind the last tensor, which may be read four words at a time
constexpr uint64_t staging_bytes = uint64_t(16) << 20;  ///< large tensors travel in parts of this

/// Calls f(number in memory, number in row-major order) for every element.
template <class F>
void for_elements(uint64_t token, int64_t count, F f) {
  const Digits digits = digits_of(token, count);
  std::vector<int64_t> at(digits.size(), 0);
  for (int64_t i = 0, row_major = 0; i < count; ++i) {
    f(size_t(i), size_t(row_major));
    for (size_t d = digits.size(); d-- > 0;) {
      row_major += digits[d].weight;
      if (++at[d] < digits[d].size) break;
      row_major -= digits[d].weight * digits[d].size, at[d] = 0;
    }
  }
}

}  // namespace

void from_layout(uint64_t token, int64_t count, size_t bytes, const char* from, char* row_major) {
  if (!token)
    std::memcpy(row_major, from, size_t(count) * bytes);
  else
    for_elements(token, count, [&](size_t here, size_t there) { std::memcpy(row_major + there * bytes, from + here * bytes, bytes); });
}

static OpenDevice& open_device(const Settings& s) {
  Instance& instance = Instance::get(s.validation);
  return OpenDevice::get(instance, choose_device(instance, s.device));
}

Session::Session(const Settings& s)
    : open(open_device(s)), queue(device), tuner(device, pipelines, queue, s.tuning), keep_data_(s.keep_data) {
  if (s.lanes) limits.lanes = *s.lanes;
  limits.storage = s.storage, limits.report_faults = s.report_faults;
}
Session::~Session() { pipelines.save(); }

void Session::prepare(const Program& program, Planner& planner) {
  Lowering l(program, planner, limits);
  for (const Op& op : program.ops) lower(l, op);
  l.finish();
}

void Session::state_create(const std::vector<StateEntry>& entries) {
  entries_ = entries;
  uint64_t total = 0;
  state_offsets.clear();
  for (const StateEntry& e : entries_) {
    total = round_up(total, limits.alignment);
    state_offsets.push_back(total);
    total += round_up(uint64_t(element_count(e.shape)) * size_of(e.dtype), 4);
  }
  state = Buffer(device, total + slack, Buffer::Kind::device, "the state");
  queue.run_now({CommandMaker::fill({state.handle(), 0, state.bytes()})});
  ++version;
}

const StateEntry& Session::entry(uint32_t number) const {
  if (number >= entries_.size()) throw Error(lamina::describe("there is no state entry ", number, "; the session has ", entries_.size()));
  return entries_[number];
}

/// Copies through `staging`, which grows to what a part needs; part by part what is large. One of `to_host` and `from_host` is null.
void Session::transfer(Buffer& staging, Buffer::Kind kind, Span there, char* to_host, const char* from_host) {
  for (uint64_t at = 0; at < there.bytes; at += staging_bytes) {
    const uint64_t part = std::min<uint64_t>(staging_bytes, there.bytes - at), words = round_up(part, 4);
    if (staging.bytes() < words) {
      staging = Buffer();
      staging = Buffer(device, std::max<uint64_t>(words, 1 << 16), kind, "copies to and from the device");
    }
    const Span here{staging.handle(), 0, words}, far{there.buffer, there.offset + at, words};
    if (from_host) {
      std::memset(staging.data() + words - 4, 0, 4);
      std::memcpy(staging.data(), from_host + at, part);
    }
    queue.run_now({from_host ? CommandMaker::copy(here, far) : CommandMaker::copy(far, here)});
    if (to_host) std::memcpy(to_host + at, staging.data(), part);
  }
}
void Session::upload(const void* from, Span to) { transfer(upload_, Buffer::Kind::upload, to, nullptr, static_cast<const char*>(from)); }
void Session::download(Span from, void* to) { transfer(readback_, Buffer::Kind::readback, from, static_cast<char*>(to), nullptr); }

void Session::state_read(uint32_t number, void* row_major) {
  const StateEntry& e = entry(number);
  const int64_t count = element_count(e.shape);
  std::vector<char> whole(size_t(count) * size_of(e.dtype));
  download({state.handle(), state_offsets[number], whole.size()}, whole.data());
  from_layout(e.layout, count, size_of(e.dtype), whole.data(), static_cast<char*>(row_major));
}

void Session::state_write(uint32_t number, const void* row_major) {
  const StateEntry& e = entry(number);
  const size_t bytes = size_of(e.dtype);
  std::vector<char> whole(size_t(element_count(e.shape)) * bytes);
  const auto* from = static_cast<const char*>(row_major);
  for_elements(e.layout, element_count(e.shape),
               [&](size_t here, size_t there) { std::memcpy(whole.data() + here * bytes, from + there * bytes, bytes); });
  upload(whole.data(), {state.handle(), state_offsets[number], whole.size()});
}

void Session::keep(const void* base, uint64_t bytes) {
  // Half of the memory is the network's. The gathering shader sees the whole column in one binding.
  uint64_t memory = 0;
  for (uint32_t h = 0; h < device.memory.memoryHeapCount; ++h)
    if (device.memory.memoryHeaps[h].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)
      memory = std::max<uint64_t>(memory, device.memory.memoryHeaps[h].size);
  uint64_t held = bytes;
  for (const auto& [other, k] : kept) held += k.bytes;
  const uint64_t rounded = round_up(bytes, 4);
  if (!keep_data_ || rounded > std::min(limits.range, device.largest_allocation) || held > memory / 2 || !bytes) return;
  Kept k;
  try {
    k = {Buffer(device, rounded, Buffer::Kind::device, "the data set"), bytes};
  } catch (const Error&) {  // others have the memory: the batches are the host's to bring, as of all that does not fit
    return;
  }
  upload(base, {k.data.handle(), 0, bytes});
  kept[base] = std::move(k);
  ++version;
}

Span Session::span_of(const Value& v) const {
  const uint64_t bytes = round_up(v.dense_bytes(), 4);
  return v.is(LAMINA_STATE) ? Span{state.handle(), state_offsets.at(v.raw.index), bytes} : Span{arena.handle(), v.raw.offset, bytes};
}

std::unique_ptr<Executable> Session::compile(Program program) {
  Lowering::Sink sink;
  sink.state_offsets = state_offsets;
  {
    Lowering l(program, limits, sink);
    for (const Op& op : program.ops) lower(l, op);
  }
  const uint64_t bytes = program.arena_bytes + slack;
  if (bytes > arena.bytes()) {
    queue.wait_all();
    ++version;
    arena = Buffer();  // the old one first: both may not fit
    arena = Buffer(device, bytes, Buffer::Kind::device, "the tensors of a step");
    queue.run_now({CommandMaker::fill({arena.handle(), 0, arena.bytes()})});
  }
  auto made = std::make_unique<Executable>(*this, std::move(program), std::move(sink));
  device.instance.check_messages();
  return made;
}

std::string Session::describe() const {
  // Sums are dealt out to as many processors as a CPU has: on others the bits differ.
  const bool cpu = device.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  return lamina::describe(device.properties.deviceName, ", ", device.driver,
                          cpu ? lamina::describe(", ", limits.processors, " processors") : "",
                          limits.lanes ? ", lane kernels" : ", tiled kernels",
                          limits.storage == DType::float32 ? "" : lamina::describe(", ", name_of(limits.storage), " storage"));
}

}  // namespace lamina::vulkan
