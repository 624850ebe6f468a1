#include "train/provenance.hpp"

#include <algorithm>

#include "base/build.hpp"
#include "base/sha256.hpp"
#include "config/json.hpp"
#include "program/profile.hpp"
#include "record/hdf5_reader.hpp"
#include "train/failures.hpp"
#include "train/step_record.hpp"

namespace lamina {

namespace {

/// Every plugin of the experiment, once.
std::vector<const Descriptor*> plugins_of(const Experiment& x) {
  std::vector<const Descriptor*> all;
  const auto add = [&](const Descriptor* d) {
    if (d && std::find(all.begin(), all.end(), d) == all.end()) all.push_back(d);
  };
  add(x.backend.plugin);
  if (x.dataset) add(x.dataset->plugin);
  for (auto& t : x.transforms) add(t.transform.plugin);
  for (auto& l : x.layers) {
    add(l.layer.plugin);
    for (auto& i : l.initializers) add(i.initializer.plugin);
  }
  for (auto& loss : x.losses) add(loss.loss.plugin);
  for (auto& m : x.metrics) add(m.metric.plugin);
  add(x.optimizer.plugin);
  for (auto& s : x.schedules) add(s.schedule.plugin);
  return all;
}

std::vector<PluginRecord> plugins_in(const H5Reader& file) {
  const auto names = file.read_texts("provenance/plugins/name"), versions = file.read_texts("provenance/plugins/version"),
             hashes = file.read_texts("provenance/plugins/sha256");
  if (versions.size() != names.size() || hashes.size() != names.size()) throw FileError("The record of plugins is damaged.");
  std::vector<PluginRecord> plugins;
  for (size_t i = 0; i < names.size(); ++i) plugins.push_back({names[i], versions[i], hashes[i]});
  return plugins;
}

std::optional<ProfileRecord> profile_in(const H5Reader& file) {
  if (!file.contains("profile/op/seconds")) return std::nullopt;
  return ProfileRecord{file.attribute_integer("profile", "first_step"),
                       file.attribute_integer("profile", "steps"),
                       file.read_texts("profile/op/name"),
                       file.read_texts("profile/op/layer"),
                       file.read_float64("profile/op/seconds"),
                       file.read_texts("profile/layer/layer"),
                       file.read_float64("profile/layer/seconds")};
}

}  // namespace

RunRecord::RunRecord(Workbench& bench, const std::string& command)
    : bench_(bench), command_(command), started_(now_text()), overrides_(bench.experiment.overrides) {
  const std::string resolved = to_text(bench.experiment.resolved);
  origins_ = {{"program", std::string(build_version()) + " " + build_commit() + " " + build_compiler()},
              {"experiment", lamina::sha256(resolved.data(), resolved.size())}};
  for (auto* d : plugins_of(bench.experiment)) origins_.emplace_back("plugin." + d->kind + "." + d->name, d->sha256);
}

Scores RunRecord::evaluate(const DataSplit& split, const ChosenWeights& weights) {
  Evaluation& e = evaluations_[split.name];
  e = {};
  e.split = split.name;
  const Scores scores = bench_.evaluate(split, &e);
  for (auto& [name, v] : scores) e.attributes.emplace_back(name, v);
  e.attributes.emplace_back("device", bench_.session.backend() + ": " + bench_.session.describe());
  e.attributes.emplace_back("weights", weights.which == Weights::best ? "best" : "last");
  e.attributes.emplace_back("step", weights.step);
  return scores;
}

void RunRecord::profile(const std::vector<program::OpProfile>& times, int64_t first_step, int64_t steps) {
  ProfileRecord& p = profile_.emplace();
  p.first_step = first_step, p.steps = steps;
  for (auto& op : times) p.op.push_back(op.op), p.op_layer.push_back(op.path), p.op_seconds.push_back(op.seconds / double(steps));
  for (auto& l : program::by_path(times)) p.layer.push_back(l.path), p.layer_seconds.push_back(l.seconds / double(steps));
}

std::optional<Scores> RunRecord::scores(const std::string& split) const {
  auto it = evaluations_.find(split);
  if (it == evaluations_.end()) return std::nullopt;
  Scores scores;
  for (auto& [name, v] : it->second.attributes)
    if (std::holds_alternative<double>(v)) scores.emplace_back(name, std::get<double>(v));
  // A file gives its attributes back in the order of their names.
  std::stable_partition(scores.begin(), scores.end(), [](auto& score) { return score.first == "loss"; });
  return scores;
}

std::string RunRecord::take_over(const RunFolder& folder, bool trains) try {
  const H5Reader file(folder.snapshot());
  started_ = file.attribute_text("provenance", "started");
  command_ = file.attribute_text("provenance", "command");
  std::vector<std::string> before;
  if (file.contains("config/overrides")) before = file.read_texts("config/overrides");
  for (auto& own : overrides_)
    if (trains && std::find(before.begin(), before.end(), own) == before.end()) before.push_back(own);
  overrides_ = std::move(before);
  if (!trains) trained_ = {file.read_text("config/resolved"), file.attributes("provenance"), plugins_in(file)};
  profile_ = profile_in(file);
  for (auto& split : bench_.data.splits()) {
    const std::string group = "evaluation/" + split.name;
    Evaluation e{split.name, {}, {}, {}, {}, {}, {}, {}};
    FileAttributes attributes;
    try {
      attributes = file.attributes(group);
    } catch (const FileError&) {
      continue;  // this split was not evaluated
    }
    for (auto& [name, value] : attributes)
      if (std::holds_alternative<double>(value) || name == "device" || name == "weights" || name == "step")
        e.attributes.emplace_back(name, value);
    if (file.contains(group + "/counts")) e.counts = file.read_int64(group + "/counts"), e.classes = file.read_texts(group + "/true_class");
    if (file.contains(group + "/predictions/sample")) {
      e.sample = file.read_int64(group + "/predictions/sample");
      for (auto v : file.read_int64(group + "/predictions/label")) e.label.push_back(int32_t(v));
      for (auto v : file.read_int64(group + "/predictions/predicted")) e.predicted.push_back(int32_t(v));
    }
    evaluations_[split.name] = std::move(e);
  }
  const std::string status = file.attribute_text("provenance", "status");
  return status == "running" ? "stopped" : status;  // who asks has the folder's lock, so nobody runs
} catch (const FileError&) {
  return "stopped";
}

std::vector<std::string> RunRecord::write(const RunFolder& folder, const Journal& journal, const std::string& status,
                                          const std::string& reason) {
  const Experiment& x = bench_.experiment;
  Snapshot s;
  s.source = x.source, s.resolved = to_text(x.resolved), s.overrides = overrides_, s.profile = profile_;
  s.provenance = {{"version", build_version()},
                  {"commit", build_commit()},
                  {"compiler", build_compiler()},
                  {"backend", bench_.session.backend()},
                  {"device", bench_.session.describe()},
                  {"seed", x.seed},
                  {"command", command_},
                  {"dataset_sha256", bench_.data.sha256(status != "running")},
                  {"started", started_},
                  {"written", now_text()},
                  {"status", status}};
  if (!reason.empty()) s.provenance.emplace_back("reason", reason);
  for (auto* d : plugins_of(x)) s.plugins.push_back({d->kind + "/" + d->name, d->version, d->sha256});
  if (trained_) {
    s.resolved = trained_->resolved, s.plugins = trained_->plugins;
    std::erase_if(s.provenance, [](auto& a) { return a.first != "status" && a.first != "written" && a.first != "dataset_sha256"; });
    for (auto& attribute : trained_->provenance)
      if (std::ranges::find(s.provenance, attribute.first, &FileAttributes::value_type::first) == s.provenance.end())
        s.provenance.push_back(attribute);
  }
  for (auto& l : bench_.layers()) s.layers.push_back({l.path, l.type, l.results.empty() ? Shape{} : l.results[0].shape, l.parameter_count});
  for (auto& [_, e] : evaluations_) s.evaluations.push_back(e);
  s.metrics = &journal.all();
  std::vector<std::string> damaged;
  with_exit(Exit::failed, [&] {
    if (status != "running") s.recorded = recorded_steps(folder, damaged);
    write_snapshot(folder.snapshot(), s);
  });
  return damaged;
}

}  // namespace lamina
