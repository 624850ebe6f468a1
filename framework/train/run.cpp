// The commands that train: run, resume, check.
#include "train/run.hpp"

#include "train/failures.hpp"
#include "train/initialize.hpp"
#include "train/training.hpp"

namespace lamina {
namespace {

/// All that a run needs before its folder: so nothing is written for an experiment that cannot run.
struct Prepared {
  Prepared(const Experiment& experiment, Catalogue& catalogue)
      : bench(experiment, catalogue),
        course(experiment.training, int64_t(bench.data.training().rows.size()), bench.batch()),
        schedule(experiment, course) {
    bench.compile_all();
    schedule.rate(0, 0);
  }
  void initialize_state() {
    initialize(bench.session, bench.experiment, bench.catalogue);
    bench.load_initial_weights();
    bench.start_averages();
  }
  Workbench bench;
  Course course;
  Schedule schedule;
};

}  // namespace

RunReport run_experiment(const Experiment& experiment, Catalogue& catalogue, const RunOptions& options, Watcher& watcher) {
  return with_exit(Exit::experiment, [&] {
    Prepared prepared(experiment, catalogue);
    prepared.initialize_state();
    return with_exit(Exit::failed, [&] {
      return Training(prepared.bench, RunFolder::create(options.runs, experiment), prepared.course, prepared.schedule, options, watcher)
          .run();
    });
  });
}

RunReport resume_run(const std::filesystem::path& path, Catalogue& catalogue, const RunOptions& options, Watcher& watcher) {
  return with_exit(Exit::experiment, [&] {
    RunFolder folder = RunFolder::open(path);
    folder.remove_leftovers();
    Experiment experiment = load_experiment(folder.resolved(), catalogue, options.overrides);
    experiment.source = folder.source();
    std::vector<std::string> damaged;
    const auto checkpoint = folder.newest(damaged);
    for (auto& sentence : damaged) watcher.warning(sentence);
    Prepared prepared(experiment, catalogue);
    if (!checkpoint) prepared.initialize_state();  // stopped before the first
    Training training(prepared.bench, std::move(folder), prepared.course, prepared.schedule, options, watcher);
    training.restore(checkpoint ? &*checkpoint : nullptr);
    return training.run();
  });
}

void check_experiment(const Experiment& experiment, Catalogue& catalogue) {
  with_exit(Exit::experiment, [&] { Prepared(experiment, catalogue).initialize_state(); });
}

}  // namespace lamina
