#include "train/step_record.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/glob.hpp"
#include "base/nearest.hpp"
#include "base/text.hpp"
#include "program/model.hpp"

namespace lamina {
namespace {

/// The names that some pattern has; each pattern must have one.
std::vector<std::string> matching(const std::vector<std::string>& patterns, const std::vector<std::string>& names, const std::string& what,
                                  const Place& place, std::vector<Fault>& faults) {
  std::vector<std::string> found;
  for (auto& name : names)
    if (std::ranges::any_of(patterns, [&](auto& pattern) { return matches(pattern, name); })) found.push_back(name);
  for (auto& pattern : patterns)
    if (std::ranges::none_of(names, [&](auto& name) { return matches(pattern, name); }))
      faults.push_back({place, "no " + what + " is named " + in_quotes(pattern) + suggestion(pattern, names)});
  return found;
}

/// Copies a tensor into the low corner of a larger one.
void place_in(const Array& from, const Shape& to_shape, std::byte* to) {
  const size_t size = size_of(from.dtype), rank = from.shape.size();
  if (!rank) {
    std::memcpy(to, from.bytes.data(), size);
    return;
  }
  const size_t row = size_t(from.shape.back()) * size;
  std::vector<int64_t> at(rank, 0);
  for (size_t source = 0; source < from.bytes.size(); source += row) {
    size_t target = 0;
    for (size_t i = 0; i < rank; ++i) target = target * size_t(to_shape[i]) + size_t(at[i]);
    std::memcpy(to + target * size, from.bytes.data() + source, row);
    for (size_t i = rank - 1; i-- > 0;) {
      if (++at[i] < from.shape[i]) break;
      at[i] = 0;
    }
  }
}

}  // namespace

StepRecord::StepRecord(Workbench& bench, const Course& course)
    : bench_(bench),
      wanted_(*bench.experiment.record),
      steps_per_epoch_(course.steps_per_epoch),
      loader_(bench.data, bench.data.training()) {
  std::vector<Fault> faults;
  const auto find = [&](const std::vector<std::string>& patterns, const std::vector<std::string>& names, const char* what) {
    return matching(patterns, names, what, wanted_.place, faults);
  };
  std::vector<std::string> kept;
  for (auto& tensor : bench.session.state())
    if (tensor.kind != graph::StateKind::slot) kept.push_back(tensor.path);
  activations_ = find(wanted_.activations, bench.layer_results(), "layer");
  gradients_ = find(wanted_.gradients, bench.trained_parameters(), "trained parameter");
  for (auto& path : find(wanted_.weights, kept, "parameter")) weights_.push_back(size_t(bench.session.find(path)));
  if (!faults.empty()) throw ConfigError(std::move(faults));
  full_ = look(bench.batch());
  const int64_t rest = int64_t(bench.data.training().rows.size()) % bench.batch();
  if (rest && !bench.experiment.training.drop_last_batch) rest_ = look(rest);
  limit(course);
}

StepRecord::Look StepRecord::look(int64_t samples) {
  if (activations_.empty() && gradients_.empty()) return {};
  program::Executable& p = bench_.watching(samples, activations_, gradients_);
  return {&p, bench_.data.numbers(p.feeds())};
}

void StepRecord::limit(const Course& course) const {
  uint64_t bytes = full_.program ? full_.program->output_bytes() : 0;
  for (size_t entry : weights_) bytes += bench_.session.bytes(entry);
  int64_t steps = std::ranges::count_if(wanted_.steps, [&](int64_t step) { return step <= course.steps; });
  if (wanted_.every_steps) steps += course.steps / *wanted_.every_steps;
  if (wanted_.every_epochs) steps += (course.epochs - 1) / *wanted_.every_epochs + 1;
  if (uint64_t all; !__builtin_mul_overflow(bytes, uint64_t(steps), &all) && all <= byte_limit) return;
  throw ConfigError({Fault{wanted_.place, counted(steps, "step") + " of " + bytes_text(bytes) + " each are more than the " +
                                              bytes_text(byte_limit) + " that a run may record; name fewer tensors or fewer steps"}});
}

bool StepRecord::wants(int64_t done) const {
  return (wanted_.every_steps && (done + 1) % *wanted_.every_steps == 0) ||
         (wanted_.every_epochs && done % steps_per_epoch_ == 0 && done / steps_per_epoch_ % *wanted_.every_epochs == 0) ||
         std::ranges::binary_search(wanted_.steps, done + 1);
}

void StepRecord::take(const RunFolder& folder, const program::Moment& moment, const int64_t* rows, int64_t samples) {
  Checkpoint step;
  step.state["step"] = int64_t(moment.step) + 1;
  for (size_t entry : weights_) {
    const auto& tensor = bench_.session.state()[entry];
    NamedArray a{"weights/" + tensor.path, {tensor.type.dtype, tensor.type.shape, std::vector<std::byte>(bench_.session.bytes(entry))}};
    bench_.session.read(entry, a.array.bytes.data());
    step.tensors.push_back(std::move(a));
  }
  if (const Look& look = samples == bench_.batch() ? full_ : rest_; look.program) {
    std::vector<std::byte> outputs(look.program->output_bytes());
    look.program->run(moment, loader_.feeds(look.columns, rows, size_t(samples)), outputs.data());
    look.program->wait();
    for (auto& o : look.program->lowered().outputs) {
      const auto& type = look.program->lowered().values[o.value].type;
      const auto* from = outputs.data() + o.offset;
      const std::string name = o.name.starts_with("gradient/") ? "gradients/" + o.name.substr(9) : "activations/" + o.name;
      step.tensors.push_back({name, {type.dtype, type.shape, {from, from + uint64_t(checked_count(type.shape)) * size_of(type.dtype)}}});
    }
  }
  folder.write_recorded(int64_t(moment.step) + 1, step);
}

RecordedSteps recorded_steps(const RunFolder& folder, std::vector<std::string>& damaged) {
  RecordedSteps all;
  std::vector<Checkpoint> records;
  std::map<std::string, Array> whole;  // by name: as large as the largest
  for (int64_t step : folder.recorded()) try {
      Checkpoint record = read_checkpoint(folder.recorded(step));
      for (auto& t : record.tensors) {
        const auto known = whole.find(t.name);
        if (known != whole.end() && (known->second.dtype != t.array.dtype || known->second.shape.size() != t.array.shape.size()))
          throw FileError(folder.recorded(step).string() + ": '" + t.name + "' is not the same tensor as in the steps before.");
      }
      for (auto& t : record.tensors) {
        Array& a = whole.try_emplace(t.name, Array{t.array.dtype, t.array.shape, {}}).first->second;
        for (size_t i = 0; i < a.shape.size(); ++i) a.shape[i] = std::max(a.shape[i], t.array.shape[i]);
      }
      all.steps.push_back(step), records.push_back(std::move(record));
    } catch (const FileError& e) {
      damaged.push_back(std::string(e.what()) + " What was recorded of step " + std::to_string(step) + " is left out.");
    }
  for (auto& [name, a] : whole) {
    const size_t bytes = size_t(checked_count(a.shape)) * size_of(a.dtype);
    a.bytes.resize(bytes * records.size());
    const auto fill = [&](auto nan) {
      for (size_t at = 0; at < a.bytes.size(); at += sizeof nan) std::memcpy(&a.bytes[at], &nan, sizeof nan);
    };
    if (a.dtype == DType::float32) fill(std::nanf(""));
    if (a.dtype == DType::float64) fill(std::nan(""));
    for (size_t k = 0; k < records.size(); ++k)
      for (auto& t : records[k].tensors)
        if (t.name == name) place_in(t.array, a.shape, a.bytes.data() + k * bytes);
    a.shape.insert(a.shape.begin(), int64_t(records.size()));
    all.tensors.push_back({name, std::move(a)});
  }
  return all;
}

}  // namespace lamina
