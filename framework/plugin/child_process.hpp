/// The process behind run_child: started, listened to, ended.
#pragma once
#include <string>
#include <vector>

#include "plugin/child.hpp"

namespace lamina {

/// Under which number a child finds the channel for its answer.
constexpr int channel_file = 3;

/// This program anew in a process group of its own, by posix_spawn: a bare fork would copy OpenMP's threads half. Killed and reaped at the
/// end, with all processes of its group.
class ChildProcess {
 public:
  /// `words` without the program's name; `input` is what stands on its standard input, at most 4096 bytes; `file` as in ChildRequest.
  ChildProcess(const std::vector<std::string>& words, const std::string& input, int file);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Listens until it ends, or for so long. Fills exit, signal, timed_out and output; returns what came over the channel.
  std::string wait(double seconds, size_t most_output, size_t most_answer, ChildResult& result);

 private:
  bool ended();
  void end();

  int process_ = -1, status_ = 0;
  int output_ = -1, channel_ = -1;
};

}  // namespace lamina
