#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/result.hpp"
#include "train/run.hpp"

namespace lamina::cli {

int check_command(Context& context) {
  const Arguments& a = context.arguments;
  const Experiment experiment = load_experiment(a.experiment, context.registry, a.overrides);
  // Before the data are opened: what the file means can be read on a machine that has none.
  if (a.print_resolved) context.console.document(experiment.resolved);
  check_experiment(experiment, context.registry);
  if (a.print_resolved) return 0;
  if (context.console.json) {
    Json j = Json::object();
    j.set("ok", true);
    j.set("name", experiment.name);
    j.set("file", a.experiment.string());
    context.console.document(j);
  } else {
    context.console.out << escaped(a.experiment.string()) + ": no faults; " + context.console.out_terminal.green("ready to run") + ".\n";
  }
  return 0;
}

int summary_command(Context& context) {
  const Arguments& a = context.arguments;
  Console& console = context.console;
  const Experiment experiment = load_experiment(a.experiment, context.registry, a.overrides);
  const ExperimentSummary summary = summarise(experiment, context.registry);
  if (console.json)
    console.document(summary_json(summary));
  else
    console.out << summary_text(summary, console.out_terminal, console.verbose);
  return 0;
}

}  // namespace lamina::cli
