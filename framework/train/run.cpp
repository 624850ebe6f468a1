// The commands that train: run, resume, check.
#include "train/run.hpp"

#include "base/text.hpp"
#include "train/failures.hpp"
#include "train/initialize.hpp"
#include "train/training.hpp"

namespace lamina {
namespace {

/// All that a run needs before its folder: so nothing is written for an experiment that cannot run.
struct Prepared {
  Prepared(const Experiment& experiment, Catalogue& catalogue)
      : bench(experiment, catalogue),
        course(experiment, int64_t(bench.data.training().rows.size()), bench.batch()),
        schedule(experiment, course),
        samples(experiment, bench.data) {
    check_followed();
    bench.compile_all();
    if (experiment.record) tensors.emplace(bench, course);
    schedule.rate(0);
    schedule.check(measured());
  }
  void initialize_state() {
    initialize(bench.session, bench.experiment, bench.catalogue);
    bench.load_initial_weights();
    bench.start_averages();
  }
  /// The real columns of the epochs' records, without times.
  std::vector<std::string> measured() const {
    std::vector<std::string> columns = {"train_loss"};
    if (!bench.data.split("validation")) return columns;
    for (auto& name : score_names(bench.experiment)) columns.push_back("validation_" + name);
    return columns;
  }
  /// What is followed must be measured.
  void check_followed() const {
    if (bench.data.split("validation")) return;
    std::vector<Fault> faults;
    const auto check = [&](const FollowedMetric& metric) {
      if (metric.of_validation())
        faults.push_back(
            {metric.place, "nothing measures " + in_quotes(metric.name) +
                               ", as there are no validation samples; \"dataset\": {\"validation\": {\"fraction\": 0.1}} holds some back"});
    };
    const TrainingConfig& t = bench.experiment.training;
    if (t.early_stopping) check(t.early_stopping->metric);
    if (t.keep_best) check(*t.keep_best);
    if (!faults.empty()) throw ConfigError(std::move(faults));
  }
  Workbench bench;
  Course course;
  Schedule schedule;
  SampleOrder samples;
  std::optional<StepRecord> tensors;
  Training::Plan plan() { return {course, schedule, samples, tensors ? &*tensors : nullptr}; }
};

}  // namespace

RunReport run_experiment(const Experiment& experiment, Catalogue& catalogue, const RunOptions& options, Watcher& watcher) {
  return with_exit(Exit::experiment, [&] {
    Prepared prepared(experiment, catalogue);
    prepared.initialize_state();
    return with_exit(Exit::failed, [&] {
      return Training(prepared.bench, RunFolder::create(options.runs, experiment), prepared.plan(), options, watcher).run();
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
    Training training(prepared.bench, std::move(folder), prepared.plan(), options, watcher);
    training.restore(checkpoint ? &*checkpoint : nullptr);
    return training.run();
  });
}

void check_experiment(const Experiment& experiment, Catalogue& catalogue) {
  with_exit(Exit::experiment, [&] { Prepared(experiment, catalogue).initialize_state(); });
}

}  // namespace lamina
