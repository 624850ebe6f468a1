#include "plugin/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <utility>

extern char** environ;

namespace lamina {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int first_free = 10;  // above the numbers that the child will know its descriptors by

[[noreturn]] void refuse(int error) { throw std::runtime_error(std::string("a child process cannot be started: ") + std::strerror(error)); }

/// A descriptor of this process, closed in the end and in every child.
class File {
 public:
  explicit File(int file = -1) : file_(file) {}
  ~File() {
    if (file_ >= 0) ::close(file_);
  }
  File(File&& other) noexcept : file_(other.release()) {}
  File& operator=(File&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  int get() const { return file_; }
  int release() { return std::exchange(file_, -1); }

 private:
  int file_;
};

/// A copy whose number collides with none that the child is to find.
File moved_up(int file) {
  File up(::fcntl(file, F_DUPFD_CLOEXEC, first_free));
  if (up.get() < 0) refuse(errno);
  return up;
}

struct Pipe {
  File read, write;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC)) refuse(errno);
    const File low_read(ends[0]), low_write(ends[1]);
    read = moved_up(ends[0]), write = moved_up(ends[1]);
  }
};

class Actions {
 public:
  Actions() { posix_spawn_file_actions_init(&actions_); }
  ~Actions() { posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  void give(const File& file, int number) { posix_spawn_file_actions_adddup2(&actions_, file.get(), number); }
  void close_from(int number) { posix_spawn_file_actions_addclosefrom_np(&actions_, number); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

/// A process group of its own; no signal is blocked, ignored or caught.
class Attributes {
 public:
  Attributes() {
    posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    sigemptyset(&none), sigfillset(&all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

/// Takes what stands in a pipe, but not for ever: limits and time are looked at in between. False at its end.
bool drain(int file, std::string& to) {
  char buffer[4096];
  for (int turn = 0; turn < 64; ++turn) {
    const ssize_t got = ::read(file, buffer, sizeof buffer);
    if (got > 0)
      to.append(buffer, size_t(got));
    else if (got == 0 || (errno != EINTR && errno != EAGAIN))
      return false;
    else if (errno == EAGAIN)
      break;
  }
  return true;
}

void keep_last(std::string& text, size_t most) {
  if (text.size() > most) text.erase(0, text.size() - most);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& words, const std::string& input, int file) {
  Pipe in, out, channel;
  if (::write(in.write.get(), input.data(), input.size()) != ssize_t(input.size())) refuse(errno);
  Actions actions;
  actions.give(in.read, STDIN_FILENO), actions.give(out.write, STDOUT_FILENO), actions.give(out.write, STDERR_FILENO);
  actions.give(channel.write, channel_file);
  File handed;
  if (file >= 0) actions.give(handed = moved_up(file), child_file);
  actions.close_from(file >= 0 ? child_file + 1 : child_file);

  std::string program = "/proc/self/exe";
  std::vector<std::string> texts = words;
  std::vector<char*> argv = {program.data()};
  for (std::string& text : texts) argv.push_back(text.data());
  argv.push_back(nullptr);
  if (const int error = posix_spawn(&process_, program.c_str(), actions.get(), Attributes().get(), argv.data(), environ)) refuse(error);
  output_ = out.read.release(), channel_ = channel.read.release();
  for (const int end : {output_, channel_}) ::fcntl(end, F_SETFL, O_NONBLOCK);
}

ChildProcess::~ChildProcess() {
  end();
  ::close(output_), ::close(channel_);
}

bool ChildProcess::ended() {
  siginfo_t info{};
  return process_ < 0 || (::waitid(P_PID, id_t(process_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == process_);
}

void ChildProcess::end() {
  if (process_ < 0) return;
  ::kill(-process_, SIGKILL);  // before it is reaped: until then no other group has this number
  while (::waitpid(process_, &status_, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
}

std::string ChildProcess::wait(double seconds, size_t most_output, size_t most_answer, ChildResult& result) {
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::string answer;
  bool talks = true, answers = true;
  const auto listen = [&] {
    if (talks) talks = drain(output_, result.output);
    if (answers) answers = drain(channel_, answer);
    keep_last(result.output, most_output);
  };
  while (!ended() && answer.size() <= most_answer && !result.timed_out) {
    pollfd files[2] = {{talks ? output_ : -1, POLLIN, 0}, {answers ? channel_ : -1, POLLIN, 0}};
    // Its descriptors close shortly before it can be waited for; processes of its own may hold them open for longer.
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    ::poll(files, 2, int(std::clamp<int64_t>(left, 0, talks || answers ? 20 : 1)));
    listen();
    result.timed_out = Clock::now() >= deadline && !ended();
  }
  end();
  listen();  // to what it wrote last, less than a pipe holds
  if (!result.timed_out && WIFEXITED(status_)) result.exit = WEXITSTATUS(status_);
  if (!result.timed_out && WIFSIGNALED(status_)) result.signal = WTERMSIG(status_);
  return answer;
}

}  // namespace lamina
