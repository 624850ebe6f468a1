/// Processes that tests start and kill.
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace lamina::test {

/// One child process with its output in files; killed and reaped at the end. Started by posix_spawn: a bare fork would copy OpenMP's
/// threads half.
class Child {
 public:
  /// `environment` is added to this process's own. Output and errors go to the file `log`.
  Child(const std::vector<std::string>& command, const std::string& log,
        const std::vector<std::pair<std::string, std::string>>& environment = {});
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool running();
  void send(int signal) const;
  /// Exit status, or 1000 + signal.
  int wait();

 private:
  int process_ = -1, status_ = -1;
};

/// Calls `condition` until it holds or the child has ended; false in the second case.
template <class Condition>
bool until(Child& child, Condition condition) {
  while (!condition())
    if (!child.running()) return false;
  return true;
}

}  // namespace lamina::test
