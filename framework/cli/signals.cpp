#include "cli/signals.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "train/run.hpp"

namespace lamina::cli {
namespace {

constexpr int watched[4] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
constexpr char plain_text[] = "Stopping: after this step a checkpoint is written. Once more ends the program at once.\n";
constexpr char bar_text[] = "\r\033[KStopping: after this step a checkpoint is written. Once more ends the program at once.\n";

// What the handler reads is lock-free: it may come at any moment.
std::atomic<bool> asked{false};
std::atomic<const char*> said{nullptr};
std::atomic<size_t> said_size{0};
static_assert(std::atomic<const char*>::is_always_lock_free && std::atomic<size_t>::is_always_lock_free);

void stop(int signal) {
  const int kept = errno;
  const bool again = asked.exchange(true);
  if (again && (signal == SIGINT || signal == SIGTERM)) _exit(128 + signal);
  if (!again) {
    request_stop(signal);
    if (const char* text = said; text && signal != SIGPIPE) {
      const ssize_t written = ::write(STDERR_FILENO, text, said_size);
      (void)written;  // nobody is left to be told
    }
  }
  errno = kept;
}

}  // namespace

StopOnSignal::StopOnSignal(bool say, bool redraws) {
  asked = false;
  said_size = redraws ? sizeof bar_text - 1 : sizeof plain_text - 1;
  said = !say ? nullptr : redraws ? bar_text : plain_text;
  struct sigaction action {};
  action.sa_handler = stop;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (size_t i = 0; i < std::size(watched); ++i) {
    sigaction(watched[i], nullptr, &before_[i]);
    const bool ignored = before_[i].sa_handler == SIG_IGN;
    if (!ignored || watched[i] == SIGTERM) sigaction(watched[i], &action, nullptr);
  }
}

StopOnSignal::~StopOnSignal() {
  for (size_t i = 0; i < std::size(watched); ++i) sigaction(watched[i], &before_[i], nullptr);
}

}  // namespace lamina::cli
