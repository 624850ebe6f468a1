/// What a run shows while it goes on: a bar at a terminal, lines with time elsewhere, JSON Lines for scripts.
#pragma once
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cli/terminal.hpp"
#include "train/run.hpp"

namespace lamina::cli {

/// "epoch 7/30 ━━━━━━━━━━━━━─────── 61%  step 2,327  loss 0.4120  lr 0.0934  5,120 samples/s  ETA 03:38" in at most `columns` columns.
/// Where room is short, the bar shrinks, then fields go, the least missed first. `left`: seconds, negative while not known.
std::string bar_text(const StepReport& step, double left, size_t columns, bool unicode);
/// "epoch 6/30  train loss 0.4470  validation loss 0.5010  validation accuracy 0.8320  9.3 s"
std::string epoch_text(const EpochReport& epoch);
/// "epoch 6/30  step 2,000  validation loss 0.5010  validation accuracy 0.8320"
std::string validation_text(const ValidationReport& validation);
/// "epoch 7/30  61%  step 2,327/3,810  loss 0.4120  lr 0.0934  5,120 samples/s  ETA 03:38"
std::string step_text(const StepReport& step, double left);

/// How long a run will still take, from what was done since the first report: a resumed run does not count what it did before.
class Estimate {
 public:
  /// Seconds left; negative while not known. `now`: seconds of a clock that never jumps.
  double left(double progress, double now);

 private:
  std::optional<double> first_progress_, first_time_;
};

struct Clocks {
  std::function<double()> seconds;    ///< never jumps
  std::function<std::time_t()> time;  ///< of day
  static Clocks real();
};

class Progress : public Watcher {
 public:
  /// Takes away what is only good while the run goes on.
  virtual void end() {}
};

/// The one that suits the console: JSON Lines on `out` with --json; else, on `err`, a bar at a terminal, lines elsewhere, warnings alone
/// with -q.
std::unique_ptr<Progress> make_progress(Console& console, Clocks clocks = Clocks::real());

/// "lenet5  seed 1  cpu: AMD EPYC, 2 threads  61,706 parameters  runs/lenet5-1"
std::string started_text(const std::filesystem::path& folder, const Experiment& experiment, const std::string& device, int64_t parameters,
                         int64_t resumed_at_step);

/// A warning as people see it.
std::string warning_text(const Console& console, const std::string& sentence);

}  // namespace lamina::cli
