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
RunReport trained(Context& context, Train train) {
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
  if (console.json)
    console.line(result_json(report, iso_time(std::time(nullptr))));
  else {
    console.out << result_text(report, console.out_terminal) << std::flush;
    if (!report.complete) {
      const std::string by = report.stopped_by ? "by " + signal_name(report.stopped_by) + " " : "";
      console.err << "Stopped " + by + "after step " + counted(report.steps) + "; the checkpoint is written. Go on with:\n  " +
                         console.err_terminal.bold(resume_line(report)) + "\n"
                  << std::flush;
    }
  }
  return report;
}
int exit_code(const RunReport& report) { return report.stopped_by ? 128 + report.stopped_by : 0; }

Experiment loaded(Context& context, int64_t fold) {
  std::vector<std::string> overrides = context.arguments.overrides;
  if (fold) overrides.push_back("dataset.validation.fold=" + std::to_string(fold));
  return load_experiment(context.arguments.experiment, context.registry, overrides);
}

/// Every fold of a cross-validation, one after the other; a signal ends it with the run that it stops.
int run_folds(Context& context) {
  Console& console = context.console;
  const int64_t folds = loaded(context, 0).validation.folds.value_or(0);
  if (!folds) throw UsageError("--fold all wants an experiment with folds, like --set 'dataset.validation={\"folds\": 5}'.", "run");
  std::vector<RunReport> reports;
  for (int64_t fold = 1; fold <= folds; ++fold) {
    const Experiment experiment = loaded(context, fold);
    if (!console.json && !console.quiet)
      console.err << "fold " + std::to_string(fold) + " of " + std::to_string(folds) + "\n" << std::flush;
    reports.push_back(trained(context, [&](const RunOptions& options, Watcher& watcher) {
      return run_experiment(experiment, context.registry, options, watcher);
    }));
    if (!reports.back().stopped_by) continue;
    if (fold < folds)
      console.err << "Not run: " + counted(folds - fold, "fold") + ", from --fold " + std::to_string(fold + 1) + " on.\n" << std::flush;
    return exit_code(reports.back());
  }
  std::string unfinished;
  for (size_t i = 0; i < reports.size(); ++i)
    if (!reports[i].complete) unfinished += (unfinished.empty() ? "" : ", ") + std::to_string(i + 1);
  if (!unfinished.empty()) {  // only finished runs have scores
    console.err << "Not finished: fold " + unfinished + "; mean and deviation are shown when every fold runs to its end.\n" << std::flush;
    return 0;
  }
  if (console.json)
    console.line(folds_json(reports, iso_time(std::time(nullptr))));
  else
    console.out << "\n" + folds_text(reports) << std::flush;
  return 0;
}

}  // namespace

int run_command(Context& context) {
  if (context.arguments.fold == 0) return run_folds(context);
  const Experiment experiment = loaded(context, context.arguments.fold.value_or(0));
  return exit_code(trained(context, [&](const RunOptions& options, Watcher& watcher) {
    return run_experiment(experiment, context.registry, options, watcher);
  }));
}

int resume_command(Context& context) {
  return exit_code(trained(context, [&](RunOptions options, Watcher& watcher) {
    options.overrides = context.arguments.overrides;
    RunReport report = resume_run(context.arguments.run, context.registry, options, watcher);
    report.overrides = options.overrides;
    return report;
  }));
}

}  // namespace lamina::cli
