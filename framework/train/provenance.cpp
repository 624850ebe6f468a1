#include "train/provenance.hpp"

#include "base/build.hpp"
#include "config/json.hpp"
#include "record/hdf5_reader.hpp"

namespace lamina {

RunRecord::RunRecord(Workbench& bench, const std::string& command) : bench_(bench), command_(command), started_(now_text()) {}

Scores RunRecord::evaluate(const DataSplit& split) {
  Evaluation& e = evaluations_[split.name];
  e = {};
  e.split = split.name;
  const Scores scores = bench_.evaluate(split, &e);
  for (auto& [name, v] : scores) e.attributes.emplace_back(name, v);
  return scores;
}

std::string RunRecord::take_over(const RunFolder& folder) try {
  const H5Reader file(folder.snapshot());
  started_ = file.attribute_text("provenance", "started");
  command_ = file.attribute_text("provenance", "command");
  if (bench_.experiment.overrides.empty() && file.contains("config/overrides")) overrides_ = file.read_texts("config/overrides");
  for (const char* split : {"validation", "test", "train"}) {
    const std::string group = std::string("evaluation/") + split;
    Evaluation e{split, {}, {}, {}, {}, {}, {}, {}};
    FileAttributes attributes;
    try {
      attributes = file.attributes(group);
    } catch (const FileError&) {
      continue;  // this split was not evaluated
    }
    for (auto& [name, value] : attributes)
      if (std::holds_alternative<double>(value)) e.attributes.emplace_back(name, value);
    if (file.contains(group + "/counts")) e.counts = file.read_int64(group + "/counts"), e.classes = file.read_texts(group + "/true_class");
    if (file.contains(group + "/predictions/sample")) {
      e.sample = file.read_int64(group + "/predictions/sample");
      for (auto v : file.read_int64(group + "/predictions/label")) e.label.push_back(int32_t(v));
      for (auto v : file.read_int64(group + "/predictions/predicted")) e.predicted.push_back(int32_t(v));
    }
    evaluations_[split] = std::move(e);
  }
  return file.attribute_text("provenance", "status");
} catch (const FileError&) {
  return "stopped";
}

void RunRecord::write(const RunFolder& folder, const Journal& journal, const std::string& status) {
  const Experiment& x = bench_.experiment;
  Snapshot s;
  s.source = x.source, s.resolved = to_text(x.resolved), s.overrides = x.overrides.empty() ? overrides_ : x.overrides;
  s.provenance = {{"version", build_version()},
                  {"commit", build_commit()},
                  {"compiler", build_compiler()},
                  {"backend", bench_.session.backend()},
                  {"device", bench_.session.describe()},
                  {"seed", x.seed},
                  {"command", command_},
                  {"dataset_sha256", bench_.data.sha256()},
                  {"started", started_},
                  {"written", now_text()},
                  {"status", status}};
  auto plugin = [&](const Descriptor* d) {
    if (!d) return;
    const std::string name = d->kind + "/" + d->name;
    for (auto& known : s.plugins)
      if (known.name == name) return;
    s.plugins.push_back({name, d->version, d->sha256});
  };
  plugin(x.backend.plugin);
  if (x.dataset) plugin(x.dataset->plugin);
  for (auto& t : x.transforms) plugin(t.transform.plugin);
  for (auto& l : x.layers) {
    plugin(l.layer.plugin);
    for (auto& i : l.initializers) plugin(i.initializer.plugin);
  }
  plugin(x.loss.loss.plugin);
  for (auto& m : x.metrics) plugin(m.metric.plugin);
  plugin(x.optimizer.plugin);
  plugin(x.schedule.plugin);
  for (auto& l : bench_.layers()) s.layers.push_back({l.path, l.type, l.results.empty() ? Shape{} : l.results[0].shape, l.parameter_count});
  for (auto& [_, e] : evaluations_) s.evaluations.push_back(e);
  s.metrics = &journal.all();
  write_snapshot(folder.snapshot(), s);
}

}  // namespace lamina
