#include "plugin/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "base/files.hpp"
#include "base/sanitized.hpp"
#include "base/text.hpp"
#include "plugin/child_process.hpp"

namespace lamina {
namespace {

constexpr const char* first_word = "@child";  // then: job, bytes of memory, the job's words
constexpr size_t signature_length = 32;
constexpr char answered = '+', refused = '-';

std::atomic<bool> dispatches{false};  // main has called child_main

std::string fresh_signature() {
  unsigned char bytes[signature_length / 2];
  if (getrandom(bytes, sizeof bytes, 0) != ssize_t(sizeof bytes)) throw std::runtime_error("there are no random numbers");
  std::string text;
  for (const unsigned char b : bytes) text += "0123456789abcdef"[b >> 4], text += "0123456789abcdef"[b & 15];
  return text;
}

// In the child.

/// The parent's number, read from where it put it: on standard input, which is empty afterwards.
std::string taken_signature() {
  std::string text(signature_length, '\0');
  size_t have = 0;
  while (have < text.size()) {
    const ssize_t got = ::read(STDIN_FILENO, text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return "";
    have += size_t(got);
  }
  return text;
}

void put_nothing_at(int file) {
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing >= 0 && nothing != file) ::dup2(nothing, file), ::close(nothing);
}

void limit(int resource, uint64_t most) {
  const rlimit both{most, most};
  ::setrlimit(__rlimit_resource_t(resource), &both);
}

void limit_this_process(uint64_t memory) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a parent that is killed cannot end a child that hangs
  // One byte, not none: where the system hands core dumps to a program, only this number keeps it from being called.
  limit(RLIMIT_CORE, 1);
  if (memory && !sanitized) limit(RLIMIT_AS, memory);
}

int run_job(const ChildJob& job, const std::vector<std::string>& words) {
  const std::string signature = taken_signature();
  put_nothing_at(STDIN_FILENO);
  // Out of the way of whoever writes to, or closes, descriptors that are not his.
  int channel = ::fcntl(channel_file, F_DUPFD_CLOEXEC, 100);
  if (channel < 0) channel = ::fcntl(channel_file, F_DUPFD_CLOEXEC, child_file + 1);  // few descriptors are allowed
  put_nothing_at(channel_file);
  if (channel < 0 || signature.empty()) return EXIT_FAILURE;
  std::string message = signature;
  try {
    message += answered + job(words);
  } catch (const std::exception& e) {
    message = signature + refused + e.what();
  } catch (...) {
    message = signature + refused + "throws something that is no std::exception";
  }
  const bool told = write_all(channel, message + signature);
  ::close(channel);
  // After a failure nothing is sure, not even that the process can end in good order.
  if (!told || message[signature_length] == refused) ::_exit(told ? EXIT_SUCCESS : EXIT_FAILURE);
  return EXIT_SUCCESS;
}

// In the parent.

std::string ending_of(const ChildResult& result, const ChildRequest& request) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%g s", request.seconds);
  if (result.timed_out) return std::string("was still running after ") + seconds;
  if (result.signal == SIGKILL) return "was killed (SIGKILL; is memory short?)";
  if (result.signal) return "crashed with " + signal_name(result.signal) + " (" + sigdescr_np(result.signal) + ")";
  return "ended the process with exit code " + std::to_string(result.exit);
}

}  // namespace

std::string ChildResult::last_words() const {
  std::string last;
  for (const std::string& line : lines_of(output))
    if (line.find_first_not_of(" \t\r") != line.npos) last = line;
  return last;
}

ChildResult run_child(const ChildRequest& request) {
  if (!dispatches) throw std::logic_error("This program cannot run itself anew: its main does not call child_main.");
  std::vector<std::string> words = {first_word, request.job, std::to_string(request.memory)};
  words.insert(words.end(), request.words.begin(), request.words.end());
  const std::string signature = fresh_signature();
  ChildProcess process(words, signature, request.file);
  ChildResult result;
  const size_t longest = request.most_answer + 2 * signature_length + 1;
  const std::string message = process.wait(request.seconds, request.most_output, longest, result);
  result.ending = ending_of(result, request);
  const bool whole = message.size() > 2 * signature_length && message.starts_with(signature) && message.ends_with(signature);
  if (message.size() > longest)
    result.ending = "gave an answer of more than " + std::to_string(request.most_answer) + " bytes";
  else if (!message.empty() && !whole)
    result.ending = "wrote to a file descriptor that is not its own";
  else if (whole && result.exit != 0)
    result.ending += " at its end, after all had gone well,";
  if (!whole || result.exit != 0) return result;
  std::string text = message.substr(signature_length + 1, message.size() - 2 * signature_length - 1);
  (message[signature_length] == answered ? result.answer : result.refusal) = std::move(text);
  return result;
}

std::optional<int> child_main(int count, char** words, const ChildJobs& jobs) {
  dispatches = true;
  ::signal(SIGCHLD, SIG_DFL);  // ignored, as a launcher may leave it, the ends of children would never be seen
  if (count < 4 || std::string_view(words[1]) != first_word) return std::nullopt;
  limit_this_process(std::strtoull(words[3], nullptr, 10));
  const auto job = jobs.find(words[2]);
  return job == jobs.end() ? EXIT_FAILURE : run_job(job->second, {words + 4, words + count});
}

}  // namespace lamina
