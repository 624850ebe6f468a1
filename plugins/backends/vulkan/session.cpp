#include "session.hpp"

#include <algorithm>
#include <cstring>

#include <lamina/plugin.hpp>

#include "executable.hpp"

namespace lamina::vulkan {

namespace {

constexpr uint64_t slack = 64;                          ///< behind the last tensor, which may be read four words at a time
constexpr uint64_t staging_bytes = uint64_t(16) << 20;  ///< large tensors travel in parts of this

void move(const Move& m, size_t axis, size_t bytes, const char* from, char* to) {
  const int64_t from_step = m.from[axis] * int64_t(bytes), to_step = m.to[axis] * int64_t(bytes);
  for (int64_t i = 0; i < m.sizes[axis]; ++i, from += from_step, to += to_step)
    if (axis + 1 == m.sizes.size())
      std::memcpy(to, from, bytes);
    else
      move(m, axis + 1, bytes, from, to);
}
void move(uint64_t from_token, uint64_t to_token, int64_t count, size_t bytes, const char* from, char* to) {
  const auto nest = from_token == to_token ? std::nullopt : move_between(from_token, to_token, count);
  if (nest && !nest->sizes.empty())
    move(*nest, 0, bytes, from, to);
  else if (from_token == to_token || nest)
    std::memcpy(to, from, size_t(count) * bytes);
  else
    throw Error("a tensor's layout does not divide as row-major order does");
}

}  // namespace

void from_layout(uint64_t token, int64_t count, size_t bytes, const char* from, char* row_major) {
  move(token, 0, count, bytes, from, row_major);
}
void to_layout(uint64_t token, int64_t count, size_t bytes, const char* row_major, char* to) {
  move(0, token, count, bytes, row_major, to);
}

static OpenDevice& open_device(const Settings& s) {
  Instance& instance = Instance::get(s.validation);
  return OpenDevice::get(instance, choose_device(instance, s.device));
}

Session::Session(const Settings& s)
    : open(open_device(s)), queue(device), tuner(device, pipelines, queue, s.tuning), keep_data_(s.keep_data) {
  if (s.lanes) limits.lanes = *s.lanes;
  limits.storage = s.storage;
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
    total = (total + limits.alignment - 1) / limits.alignment * limits.alignment;
    state_offsets.push_back(total);
    total += (uint64_t(element_count(e.shape)) * size_of(e.dtype) + 3) / 4 * 4;
  }
  state = Buffer(device, total + slack, Buffer::Kind::device, "the state");
  queue.run_now({CommandMaker::clear({state.handle(), 0, state.bytes()})});
  ++version;
}

const StateEntry& Session::entry(uint32_t number) const {
  if (number >= entries_.size()) throw Error(lamina::describe("there is no state entry ", number, "; the session has ", entries_.size()));
  return entries_[number];
}

Buffer& Session::staging(uint64_t bytes, bool up) {
  Buffer& b = up ? upload_ : readback_;
  if (b.bytes() < bytes) {
    b = Buffer();
    b = Buffer(device, std::max<uint64_t>(bytes, 1 << 16), up ? Buffer::Kind::upload : Buffer::Kind::readback,
               "copies to and from the device");
  }
  return b;
}

void Session::state_read(uint32_t number, void* row_major) {
  const StateEntry& e = entry(number);
  const int64_t count = element_count(e.shape);
  const size_t bytes = size_t(count) * size_of(e.dtype);
  std::vector<char> whole(e.layout ? bytes : 0);
  char* to = e.layout ? whole.data() : static_cast<char*>(row_major);
  for (uint64_t at = 0; at < bytes; at += staging_bytes) {
    const uint64_t part = std::min<uint64_t>(staging_bytes, bytes - at), words = (part + 3) / 4 * 4;
    Buffer& b = staging(words, false);
    queue.run_now({CommandMaker::copy({state.handle(), state_offsets[number] + at, words}, {b.handle(), 0, words})});
    std::memcpy(to + at, b.data(), part);
  }
  if (e.layout) from_layout(e.layout, count, size_of(e.dtype), whole.data(), static_cast<char*>(row_major));
}

void Session::state_write(uint32_t number, const void* row_major) {
  const StateEntry& e = entry(number);
  const int64_t count = element_count(e.shape);
  const size_t bytes = size_t(count) * size_of(e.dtype);
  std::vector<char> whole(e.layout ? bytes : 0);
  if (e.layout) to_layout(e.layout, count, size_of(e.dtype), static_cast<const char*>(row_major), whole.data());
  const char* from = e.layout ? whole.data() : static_cast<const char*>(row_major);
  for (uint64_t at = 0; at < bytes; at += staging_bytes) {
    const uint64_t part = std::min<uint64_t>(staging_bytes, bytes - at), words = (part + 3) / 4 * 4;
    Buffer& b = staging(words, true);
    std::memset(b.data() + words - 4, 0, 4);
    std::memcpy(b.data(), from + at, part);
    queue.run_now({CommandMaker::copy({b.handle(), 0, words}, {state.handle(), state_offsets[number] + at, words})});
  }
}

void Session::keep(const void* base, uint64_t bytes) {
  // Half of the memory is the network's. The gathering shader sees the whole column in one binding.
  uint64_t memory = 0;
  for (uint32_t h = 0; h < device.memory.memoryHeapCount; ++h)
    if (device.memory.memoryHeaps[h].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)
      memory = std::max<uint64_t>(memory, device.memory.memoryHeaps[h].size);
  uint64_t held = bytes;
  for (const auto& [other, k] : kept) held += k.bytes;
  const uint64_t rounded = (bytes + 3) / 4 * 4;
  if (!keep_data_ || rounded > std::min(limits.range, device.largest_allocation) || held > memory / 2 || !bytes) return;
  Kept k;
  try {
    k = {Buffer(device, rounded, Buffer::Kind::device, "the data set"), bytes};
  } catch (const Error&) {  // others have the memory: the batches are the host's to bring, as of all that does not fit
    return;
  }
  for (uint64_t at = 0; at < bytes; at += staging_bytes) {
    const uint64_t part = std::min<uint64_t>(staging_bytes, bytes - at), words = (part + 3) / 4 * 4;
    Buffer& b = staging(words, true);
    std::memcpy(b.data(), static_cast<const char*>(base) + at, part);
    queue.run_now({CommandMaker::copy({b.handle(), 0, words}, {k.data.handle(), at, words})});
  }
  kept[base] = std::move(k);
  ++version;
}

Span Session::span_of(const Value& v) const {
  const uint64_t bytes = (v.dense_bytes() + 3) / 4 * 4;
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
    queue.run_now({CommandMaker::clear({arena.handle(), 0, arena.bytes()})});
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
