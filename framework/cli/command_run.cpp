#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/format.hpp"
#include "cli/progress.hpp"
#include "cli/result.hpp"
#include "cli/signals.hpp"
#include "train/run.hpp"

namespace lamina::cli {
namespace {

/// Trains with progress and signals, then shows what came of it.
template <class Train>
int trained(Context& context, Train train) {
  Console& console = context.console;
  RunOptions options;
  options.runs = context.arguments.out;
  options.stop_after_steps = context.arguments.max_steps;
  options.command = context.command_line;
  options.profile = context.arguments.profile;
  const auto progress = make_progress(console);
  RunReport report;
  {
    const StopOnSignal signals(!console.quiet && !console.json, console.err_terminal.redraws);
    try {
      report = train(options, *progress);
    } catch (...) {
      progress->end();  // before the error is told
      throw;
    }
    progress->end();
  }
  const bool complete = !report.stopped_by && (!progress->steps() || report.steps >= *progress->steps());
  if (console.json)
    console.line(result_json(report, complete, iso_time(std::time(nullptr))));
  else {
    console.out << result_text(report, console.out_terminal) << std::flush;
    if (!complete) {
      const std::string by = report.stopped_by ? "by " + signal_name(report.stopped_by) + " " : "";
      console.err << "Stopped " + by + "after step " + counted(report.steps) + "; the checkpoint is written. Go on with:\n  " +
                         console.err_terminal.bold(resume_line(report)) + "\n"
                  << std::flush;
    }
  }
  return report.stopped_by ? 128 + report.stopped_by : 0;
}

}  // namespace

int run_command(Context& context) {
  const Experiment experiment = load_experiment(context.arguments.experiment, context.registry, context.arguments.overrides);
  return trained(
      context, [&](const RunOptions& options, Watcher& watcher) { return run_experiment(experiment, context.registry, options, watcher); });
}

int resume_command(Context& context) {
  return trained(context, [&](RunOptions options, Watcher& watcher) {
    options.overrides = context.arguments.overrides;
    RunReport report = resume_run(context.arguments.run, context.registry, options, watcher);
    report.overrides = options.overrides;
    return report;
  });
}

}  // namespace lamina::cli
