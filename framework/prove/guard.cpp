#include "prove/guard.hpp"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>
#include <lamina/sized.hpp>

#include <array>
#include <cstring>
#include <memory>

namespace lamina::prove {
namespace {

using Body = void (*)(const lamina_kernel_call*);

/// A tensor's bytes with a forbidden page on either side; flush with the one behind them, or with the one before.
class Fenced {
 public:
  Fenced(std::string name, size_t bytes, size_t element, bool flush_behind) : name(std::move(name)), bytes_(bytes), element_(element) {
    const size_t page = size_t(sysconf(_SC_PAGESIZE));
    inner_ = (bytes + page - 1) / page * page;
    length_ = inner_ + 2 * page;
    void* all = mmap(nullptr, length_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) throw Error("there is no memory left to run kernels in");
    base_ = static_cast<unsigned char*>(all);
    if (inner_ && mprotect(base_ + page, inner_, PROT_READ | PROT_WRITE)) throw Error("memory for kernels cannot be protected");
    std::memset(base_ + page, canary, inner_);
    data_ = base_ + page + (flush_behind ? inner_ - bytes : 0);
    pages_ = base_ + page;
  }
  ~Fenced() { munmap(base_, length_); }
  Fenced(const Fenced&) = delete;
  Fenced& operator=(const Fenced&) = delete;

  unsigned char* data() const { return data_; }
  bool holds(const void* address) const { return address >= base_ && address < base_ + length_; }
  /// Number of the element at an address, counted from the tensor's first.
  int64_t index(const void* address) const {
    const ptrdiff_t off = static_cast<const unsigned char*>(address) - data_;
    return off >= 0 ? off / ptrdiff_t(element_) : -((-off + ptrdiff_t(element_) - 1) / ptrdiff_t(element_));
  }
  int64_t count() const { return int64_t(bytes_ / element_); }
  /// The first address outside of the tensor that was written, or null.
  const void* written_outside() const {
    for (const unsigned char* p = pages_; p < pages_ + inner_; ++p)
      if ((p < data_ || p >= data_ + bytes_) && *p != canary) return p;
    return nullptr;
  }
  const std::string name;

 private:
  static constexpr unsigned char canary = 0xa5;
  size_t bytes_, element_, inner_ = 0, length_ = 0;
  unsigned char *base_ = nullptr, *pages_ = nullptr, *data_ = nullptr;
};

struct Slot {
  const lamina_kernel* original = nullptr;
  lamina_kernel known{}, ours{};
  size_t runs = 0;
};
constexpr size_t most_kernels = 32;
std::array<Slot, most_kernels> slots;
size_t used = 0;
Findings* findings = nullptr;

sigjmp_buf escape;
const void* volatile touched = nullptr;
const std::vector<std::unique_ptr<Fenced>>* watched = nullptr;
struct sigaction before[2];

/// Back to the guard when a body touches a forbidden page; any other fault takes the way it took before.
void on_fault(int number, siginfo_t* info, void*) {
  if (watched)
    for (auto& f : *watched)
      if (f->holds(info->si_addr)) {
        touched = info->si_addr;
        siglongjmp(escape, 1);
      }
  sigaction(number, &before[number == SIGBUS], nullptr);
}

/// Runs `call` over pieces of its items; false when it touched a forbidden page.
bool run_watched(Body body, lamina_kernel_call call, const std::vector<std::unique_ptr<Fenced>>& tensors, int pieces) {
  struct sigaction action {};
  action.sa_sigaction = on_fault, action.sa_flags = SA_SIGINFO;
  watched = &tensors;
  touched = nullptr;
  sigaction(SIGSEGV, &action, &before[0]), sigaction(SIGBUS, &action, &before[1]);
  const int64_t items = call.end;
  if (sigsetjmp(escape, 1) == 0)
    for (int piece = pieces; piece-- > 0;) {
      call.begin = items * piece / pieces, call.end = items * (piece + 1) / pieces;
      if (call.begin < call.end) body(&call);
    }
  sigaction(SIGSEGV, &before[0], nullptr), sigaction(SIGBUS, &before[1], nullptr);
  watched = nullptr;
  return !touched;
}

size_t elements(const lamina_shape& s) {
  size_t count = 1;
  for (uint32_t a = 0; a < s.rank; ++a) count *= size_t(s.dims[a]);
  return count;
}

template <class T>
T poison(int pass) {  // quiet NaNs with a payload that arithmetic does not make
  T value;
  if constexpr (sizeof(T) == 8) {
    const uint64_t bits = pass ? 0x7ffcdead00000001u : 0x7ffcdead00000002u;
    std::memcpy(&value, &bits, sizeof bits);
  } else {
    const uint32_t bits = pass ? 0x7fd0dea1u : 0x7fd0dea2u;
    std::memcpy(&value, &bits, sizeof bits);
  }
  return value;
}

/// One pass over the whole kernel on fenced tensors; its results, or nothing after a fault.
template <class T>
std::vector<std::vector<T>> pass(const std::string& who, Body body, const lamina_kernel_call& call, int number, int pieces) {
  std::vector<std::unique_ptr<Fenced>> tensors;
  std::vector<const void*> in;
  std::vector<void*> out;
  for (uint32_t i = 0; i < call.in_count; ++i) {
    const size_t bytes = elements(call.in_shapes[i]) * sizeof(T);
    in.push_back(tensors.emplace_back(new Fenced(describe("in", i), bytes, sizeof(T), number == 0))->data());
    std::memcpy(tensors.back()->data(), call.in[i], bytes);
  }
  const T unwritten = poison<T>(number);
  for (uint32_t i = 0; i < call.out_count; ++i) {
    const size_t count = elements(call.out_shapes[i]);
    out.push_back(tensors.emplace_back(new Fenced(describe("out", i), count * sizeof(T), sizeof(T), number == 0))->data());
    for (size_t k = 0; k < count; ++k) std::memcpy(tensors.back()->data() + k * sizeof(T), &unwritten, sizeof(T));
  }
  lamina_kernel_call fenced = call;
  fenced.in = in.data(), fenced.out = out.data();
  const auto outside = [&](const Fenced& t, const void* address, const char* does) {
    findings->fault(who, " ", does, " element ", t.index(address), " of ", t.name, ", which has ", t.count(), " (of ", call.end,
                    " work items, in ", pieces, pieces > 1 ? " pieces)" : " piece)");
  };
  if (!run_watched(body, fenced, tensors, pieces)) {
    for (auto& t : tensors)
      if (t->holds(touched)) outside(*t, touched, "touches");
    return {};
  }
  bool good = true;
  for (auto& t : tensors)
    if (const void* address = t->written_outside()) outside(*t, address, "writes"), good = false;
  for (uint32_t i = 0; i < call.in_count; ++i)
    good &= findings->expect(!std::memcmp(tensors[i]->data(), call.in[i], elements(call.in_shapes[i]) * sizeof(T)), who,
                             " changes its input ", i);
  if (!good) return {};
  std::vector<std::vector<T>> results;
  for (uint32_t i = 0; i < call.out_count; ++i) {
    const T* from = static_cast<const T*>(out[i]);
    results.emplace_back(from, from + elements(call.out_shapes[i]));
  }
  return results;
}

template <class T>
void guarded(size_t slot, const lamina_kernel_call* raw) {
  Slot& s = slots[slot];
  const lamina_kernel_call call = border::read_sized(raw);
  const Body body = sizeof(T) == 8 ? s.known.cpu_double : s.known.cpu_float;
  const std::string who = describe("kernel \"", s.known.name ? s.known.name : "", "\" in ", sizeof(T) == 8 ? "float64" : "float32");
  ++s.runs;
  findings->at(who);
  const auto whole = pass<T>(who, body, call, 0, 1), split = pass<T>(who, body, call, 1, 3);
  const T first = poison<T>(0), second = poison<T>(1);
  for (size_t i = 0; i < whole.size() && i < split.size(); ++i) {
    size_t missing = 0, missed = 0, differing = 0, differs = 0;
    for (size_t k = 0; k < whole[i].size(); ++k) {
      if (!std::memcmp(&whole[i][k], &first, sizeof first) && !std::memcmp(&split[i][k], &second, sizeof second))
        missing++ ? void() : void(missed = k);
      else if (std::memcmp(&whole[i][k], &split[i][k], sizeof first))
        differing++ ? void() : void(differs = k);
    }
    if (missing)
      findings->fault(who, " never writes ", missing, " of the ", whole[i].size(), " elements of out", i, "; the first is ", missed);
    if (differing)
      findings->fault(who, " gives other bits when its work items are split or run in another order, or when it is run again: ", differing,
                      " of ", whole[i].size(), " elements of out", i, "; the first is ", differs);
  }
  for (uint32_t i = 0; i < call.out_count; ++i) {
    if (i < whole.size())
      std::memcpy(call.out[i], whole[i].data(), whole[i].size() * sizeof(T));
    else
      std::memset(call.out[i], 0, elements(call.out_shapes[i]) * sizeof(T));
  }
}

template <class T, size_t... slot>
constexpr std::array<Body, sizeof...(slot)> bodies(std::index_sequence<slot...>) {
  return {[](const lamina_kernel_call* call) { guarded<T>(slot, call); }...};
}
constexpr auto floats = bodies<float>(std::make_index_sequence<most_kernels>());
constexpr auto doubles = bodies<double>(std::make_index_sequence<most_kernels>());

}  // namespace

Guard::Guard(Findings& found) { findings = &found, used = 0; }
Guard::~Guard() { findings = nullptr; }

void Guard::wrap(graph::Graph& graph) {
  for (graph::Node& node : graph.nodes) {
    if (!node.kernel) continue;
    size_t slot = 0;
    while (slot < used && slots[slot].original != node.kernel) ++slot;
    if (slot == most_kernels) throw Error(describe("a plugin with more than ", most_kernels, " kernels of its own cannot be checked"));
    if (slot == used) {
      Slot& s = slots[used++];
      s = {node.kernel, border::read_sized(node.kernel), {}, 0};
      s.ours = s.known;
      if (s.known.cpu_float) s.ours.cpu_float = floats[slot];
      if (s.known.cpu_double) s.ours.cpu_double = doubles[slot];
      s.ours.size = sizeof s.ours;
    }
    node.kernel = &slots[slot].ours;
  }
}
size_t Guard::kernels() const { return used; }
size_t Guard::runs() const {
  size_t all = 0;
  for (size_t i = 0; i < used; ++i) all += slots[i].runs;
  return all;
}

}  // namespace lamina::prove
