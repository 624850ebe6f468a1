#include "session.hpp"

#include <omp.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <new>

#include "kernels.hpp"
#include "onednn.hpp"
#include "threads.hpp"

namespace lamina::cpu {

Bytes::Bytes(uint64_t count) : count_(std::max<uint64_t>(count, 64)) {
  void* p = mmap(nullptr, count_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) throw Error(describe("the backend 'cpu' could not get ", count_, " bytes of memory from the system"));
  data_ = static_cast<char*>(p);
  if (count_ >= (8u << 20)) madvise(data_, count_, MADV_HUGEPAGE);
}
Bytes::~Bytes() {
  if (data_) munmap(data_, count_);
}

Session::Session(const Settings& settings) : settings(settings) {
  memory.states = &states_, memory.workspaces = &workspaces_;
  workspaces_.resize(size_t(settings.threads)), workspace_bytes_.resize(size_t(settings.threads));
}

void Session::use_threads() const {
  if (omp_get_max_threads() != settings.threads) omp_set_num_threads(settings.threads);
  if (omp_get_dynamic()) omp_set_dynamic(0);  // oneDNN waits for ever for threads that OpenMP does not give it
}

bool Session::claims(const Op& op) const { return cpu::claims(op); }

void Session::prepare(const Program& program, Planner& planner) {
  use_threads();
  Lowering l(program, planner, settings);
  for (const Op& op : program.ops) lower(l, op);
  l.finish();
}

void Session::state_create(const std::vector<StateEntry>& entries) {
  entries_ = entries;
  std::vector<uint64_t> offsets;
  uint64_t total = 0;
  for (const StateEntry& e : entries_) {
    const uint64_t alignment = std::max<uint64_t>(e.alignment, 64);
    total = (total + alignment - 1) / alignment * alignment;
    offsets.push_back(total);
    total += std::max(e.bytes, uint64_t(element_count(e.shape)) * size_of(e.dtype));
  }
  state_ = Bytes(total);
  states_.clear();
  for (uint64_t o : offsets) states_.push_back(state_.data() + o);
  ++version;
}

const StateEntry& Session::entry(uint32_t number) const {
  if (number >= entries_.size()) throw Error(lamina::describe("there is no state entry ", number, "; the session has ", entries_.size()));
  return entries_[number];
}
void Session::state_read(uint32_t number, void* row_major) {
  const StateEntry& e = entry(number);
  Mover(e.layout, 0, element_count(e.shape), size_of(e.dtype)).run(states_[number], row_major, settings.threads);
}
void Session::state_write(uint32_t number, const void* row_major) {
  const StateEntry& e = entry(number);
  Mover(0, e.layout, element_count(e.shape), size_of(e.dtype)).run(row_major, states_[number], settings.threads);
}

std::unique_ptr<Executable> Session::compile(Program program) {
  use_threads();
  std::vector<std::unique_ptr<Step>> steps;
  Lowering l(program, settings, steps);
  for (const Op& op : program.ops) lower(l, op);
  if (program.arena_bytes > arena_.count()) {
    arena_ = Bytes();  // the old one first: both may not fit
    arena_ = Bytes(program.arena_bytes);
    memory.arena = arena_.data();
    ++version;
  }
  for (size_t t = 0; t < workspaces_.size(); ++t)
    if (l.workspace_bytes > workspace_bytes_[t].count()) {
      workspace_bytes_[t] = Bytes(l.workspace_bytes);
      workspaces_[t] = workspace_bytes_[t].data();
      ++version;
    }
  return std::make_unique<Executable>(*this, std::move(program), std::move(steps));
}

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.rfind("model name", 0) == 0)
      if (const size_t colon = line.find(": "); colon != std::string::npos) return line.substr(colon + 2);
  return "CPU";
}

std::string Session::describe() const {
  const char* products = settings.storage == DType::float32      ? ""
                         : !settings.narrow_products             ? ", bfloat16 widened for products"
                         : onednn_bfloat16() == Bfloat16::native ? ", bfloat16"
                                                                 : ", bfloat16 emulated for products";
  return lamina::describe(processor_name(), ", ", settings.threads, settings.threads == 1 ? " thread, oneDNN " : " threads, oneDNN ",
                          onednn_version(), ", ", kernels().isa, products);
}

Executable::Executable(Session& session, Program program, std::vector<std::unique_ptr<Step>> steps)
    : session_(session), program_(std::move(program)), steps_(std::move(steps)), seconds_(program_.ops.size(), 0) {
  for (const Value& v : program_.values) {
    if (!v.is(LAMINA_INPUT)) continue;
    const int64_t batch = v.rank() ? v.shape[0] : 1, sample_count = v.count() / std::max<int64_t>(batch, 1);
    Feed f{v.raw.index, v.raw.offset, batch, size_t(sample_count) * size_of(v.dtype), {}};
    if (v.layout() != 0) {
      // The batch is outermost in every layout the planning gives inputs: what is left is the layout of a sample.
      Digits digits = digits_of(v.layout(), v.count());
      if (batch > 1) {
        if (digits.front().weight != sample_count) throw Error("an input arrived in a layout that it was not planned in");
        digits.erase(digits.begin());
      }
      f.sample.emplace(0, token_of(digits), sample_count, size_of(v.dtype));
    }
    feeds_.push_back(std::move(f));
  }
  for (const auto& o : program_.outputs) {
    const Value& v = program_.values[o.value];
    outputs_.push_back({&v, o.offset, Mover(v.layout(), 0, v.count(), size_of(v.dtype))});
  }
}

void Executable::bind() {
  for (auto& s : steps_) s->bind(session_.memory);
  bound_ = session_.version;
}

void Executable::feed(const Feed& f, const lamina_feed& from) {
  char* to = session_.memory.arena + f.offset;
  const auto* base = static_cast<const char*>(from.base);
  const size_t sample = f.sample_bytes;
  if (!from.rows && !f.sample) {
    std::memcpy(to, base, sample * size_t(f.batch));
    return;
  }
  const auto part = [&](int, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const char* source = from.rows ? base + from.rows[i] * from.row_bytes : base + size_t(i) * sample;
      if (f.sample)
        f.sample->run(source, to + size_t(i) * sample, 1);
      else
        std::memcpy(to + size_t(i) * sample, source, sample);
    }
  };
  in_parts(f.batch, sample * size_t(f.batch) < 65536 ? 1 : session_.settings.threads, part);
}

void Executable::run(const Run& run) {
  session_.use_threads();
  if (bound_ != session_.version) bind();
  for (const Feed& f : feeds_) {
    if (f.index >= run.feed_count)
      throw Error(describe("the program '", program_.name, "' reads feed ", f.index, ", but the run has ", run.feed_count));
    feed(f, run.feeds[f.index]);
  }
  const Moment now{&run, session_.settings.threads};
  if (!timed_) {
    for (auto& s : steps_) s->run(now);
  } else {
    for (auto& s : steps_) {
      const auto begin = std::chrono::steady_clock::now();
      s->run(now);
      seconds_[s->op] += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }
  }
  if (!run.outputs) return;
  for (const Output& o : outputs_) {
    const Value& v = *o.value;
    const char* from = v.is(LAMINA_STATE) ? (*session_.memory.states)[v.raw.index] : session_.memory.arena + v.raw.offset;
    o.mover.run(from, static_cast<char*>(run.outputs) + o.offset, session_.settings.threads);
  }
}

std::vector<OpTime> Executable::profile(bool enable) {
  std::vector<OpTime> times;
  for (size_t i = 0; i < seconds_.size(); ++i) times.push_back({uint32_t(i), seconds_[i]});
  std::fill(seconds_.begin(), seconds_.end(), 0.0);
  timed_ = enable;
  return times;
}

}  // namespace lamina::cpu
