/// Runs code that may crash, hang, exit or eat memory in a child process: this program anew, with limits.
///
/// A job is a function that every main knows by name (child_main). The child runs one, and what the job returns comes back over a channel
/// of its own, signed with a number that only parent and child know: what the code prints, writes to files it finds open, or returns by
/// ending the process is never taken for an answer.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lamina {

/// What a child can be asked to do: words to a text. An exception it throws is its refusal. Runs in the child's main thread.
using ChildJob = std::function<std::string(const std::vector<std::string>& words)>;
using ChildJobs = std::map<std::string, ChildJob>;

struct ChildRequest {
  std::string job;
  std::vector<std::string> words;
  double seconds = 10;                  ///< of wall time; then the child and all its own children are killed
  uint64_t memory = uint64_t(4) << 30;  ///< bytes of address space (RLIMIT_AS); 0: no limit. Under sanitizers there is none
  size_t most_output = 64 << 10;        ///< bytes; of more, the last are kept
  size_t most_answer = 16 << 20;        ///< bytes; with more the child is killed
  int file = -1;                        ///< a descriptor that the child finds as child_file; -1: none
};

/// Under which number a child finds ChildRequest::file.
constexpr int child_file = 4;

struct ChildResult {
  std::optional<std::string> answer;   ///< what the job returned, of a child that then also ended well
  std::optional<std::string> refusal;  ///< what the job threw
  int exit = -1;                       ///< exit code of a child that ended by itself
  int signal = 0;                      ///< that ended it
  bool timed_out = false;
  std::string output;  ///< of stdout and stderr, as it came
  /// How it ended, as the end of a sentence: "crashed with SIGSEGV (Segmentation fault)", "was still running after 5 s",
  /// "ended the process with exit code 3". Of use where neither answer nor refusal came.
  std::string ending;
  /// The last line that it printed, or "".
  std::string last_words() const;
};

/// Runs one job in a child and waits for its end. std::runtime_error where no child can be started, with the system's reason;
/// std::logic_error in a program whose main does not call child_main. Any thread.
ChildResult run_child(const ChildRequest& request);

/// To be called first in main. In a child: runs its job and gives the process's exit code. Else nothing: the program goes on.
std::optional<int> child_main(int count, char** words, const ChildJobs& jobs);

}  // namespace lamina
