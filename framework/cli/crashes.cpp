// Whatever the handler calls is async-signal-safe: no allocation, no lock, no stream.
#include "cli/crashes.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/running.hpp"
#include "base/sanitized.hpp"

namespace lamina::cli {
namespace {

constexpr int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr size_t stack_bytes = 64 << 10;

/// A sentence of bounded length, put together without memory of the heap.
class Sentence {
 public:
  Sentence& operator<<(const char* text) {
    for (; *text && length_ < sizeof text_; ++text) {
      const auto c = static_cast<unsigned char>(*text);
      text_[length_++] = c < 0x20 || c == 0x7f ? '?' : *text;
    }
    return *this;
  }
  void write() const {
    const char end[] = ".\n";
    if (::write(STDERR_FILENO, text_, length_) > 0 && ::write(STDERR_FILENO, end, sizeof end - 1) > 0) return;
  }

 private:
  char text_[2048];
  size_t length_ = 0;
};

uintptr_t program_counter(const void* context) {
  [[maybe_unused]] const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  return uintptr_t(machine.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return uintptr_t(machine.pc);
#elif defined(__riscv)
  return uintptr_t(machine.__gregs[REG_PC]);
#else
  return 0;
#endif
}

/// One byte after the other of a file.
class Bytes {
 public:
  explicit Bytes(const char* file) : file_(::open(file, O_RDONLY | O_CLOEXEC)) {}
  ~Bytes() { ::close(file_); }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  /// -1 at the end.
  int next() {
    if (at_ == have_) {
      have_ = ::read(file_, buffer_, sizeof buffer_), at_ = 0;
      if (have_ <= 0) return have_ = 0, -1;
    }
    return static_cast<unsigned char>(buffer_[at_++]);
  }

 private:
  int file_;
  char buffer_[1024];
  ssize_t have_ = 0, at_ = 0;
};

int digit(int c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

/// The file whose code stands at this address, from /proc/self/maps: lines like "7f00-7f10 r-xp 00000000 00:01 7  /usr/lib/x.so".
bool file_at(uintptr_t address, char* name, size_t room) {
  Bytes maps("/proc/self/maps");
  for (int c = maps.next(); c >= 0; c = maps.next()) {
    uintptr_t begin = 0, end = 0;
    for (; digit(c) >= 0; c = maps.next()) begin = begin * 16 + uintptr_t(digit(c));
    for (c = maps.next(); digit(c) >= 0; c = maps.next()) end = end * 16 + uintptr_t(digit(c));
    while (c >= 0 && c != '\n' && c != '/') c = maps.next();
    size_t length = 0;
    for (; c >= 0 && c != '\n'; c = maps.next())
      if (length + 1 < room) name[length++] = char(c);
    name[length] = 0;
    if (begin <= address && address < end) return length > 0;
  }
  return false;
}

/// "/memfd:/plugins/layers/conv.so (deleted)" → "/plugins/layers/conv.so": a plugin that was loaded from memory.
const char* without_memory(char* name) {
  const char memory[] = "/memfd:", deleted[] = " (deleted)";
  const size_t length = std::strlen(name);
  if (std::strncmp(name, memory, sizeof memory - 1)) return name;
  if (length >= sizeof deleted && !std::strcmp(name + length - (sizeof deleted - 1), deleted)) name[length - (sizeof deleted - 1)] = 0;
  return name + sizeof memory - 1;
}

const char* word_of(int signal) {
  switch (signal) {
    case SIGSEGV:
      return "SIGSEGV (it used memory that is not its own)";
    case SIGBUS:
      return "SIGBUS (it used memory that is not there)";
    case SIGFPE:
      return "SIGFPE (it divided by zero)";
    case SIGILL:
      return "SIGILL (it ran what is no instruction of this machine)";
    default:
      return "SIGABRT (it gave up)";
  }
}

void tell(int signal, siginfo_t* info, void* context) {
  Sentence sentence;
  sentence << "error: The program crashed with " << word_of(signal);
  const char* call = Running::now();
  if (call) sentence << " in " << call;
  char name[512];
  // Who gives up does so through the C library, which says nothing.
  if (signal != SIGABRT && file_at(program_counter(context), name, sizeof name))
    sentence << (call ? "; the code that failed is " : ", in the code of ") << without_memory(name) << (call ? "'s" : "");
  sentence.write();
  // The handler is gone by now. A fault of the code happens again when this returns; what another process sent does not.
  if (info->si_code <= 0) ::raise(signal);
}

}  // namespace

void tell_crashes() {
  if (sanitized) return;
  // A stack that has overflown cannot hold the handler.
  stack_t stack{};
  stack.ss_size = stack_bytes;
  stack.ss_sp = ::mmap(nullptr, stack.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack.ss_sp != MAP_FAILED) ::sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_sigaction = tell;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_SIGINFO | SA_RESETHAND | SA_ONSTACK;
  for (const int signal : faults) ::sigaction(signal, &action, nullptr);
}

}  // namespace lamina::cli
