/// SIGINT and SIGTERM end a run after a checkpoint; a second one ends the program at once.
#pragma once
#include <csignal>

namespace lamina::cli {

/// While it lives, the first SIGINT, SIGTERM or SIGHUP asks the run to stop and says so on standard error, the next SIGINT or SIGTERM ends
/// the program. A reader of standard output that went away (SIGPIPE) asks to stop too: training must not be lost for a closed pipe. SIGHUP
/// stays ignored where it was (nohup). Only one at a time.
class StopOnSignal {
 public:
  /// `say`: tell on standard error that the run is stopping. `redraws`: a bar may stand there and is taken away first.
  StopOnSignal(bool say, bool redraws);
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

 private:
  struct sigaction before_[4];
};

}  // namespace lamina::cli
