#include <lamina/sized.hpp>

#include <set>

#include "base/shape.hpp"
#include "base/text.hpp"
#include "train/run.hpp"
#include "train/workbench.hpp"

namespace lamina {
namespace {

/// 2 × multiply-adds of one op of the forward pass.
double flops_of(const program::LoweredOp& op, const program::Lowered& p) {
  auto shape = [&](uint32_t v) -> const Shape& { return p.values[v].type.shape; };
  auto count = [&](const Shape& s) {
    double n = 1;
    for (auto d : s) n *= double(d);
    return n;
  };
  if (op.name == "conv") return 2 * count(shape(op.out[0])) * count(shape(op.in[1])) / double(shape(op.in[1])[0]);
  if (op.name == "conv_backward_data")  // a transposed convolution
    return 2 * count(shape(op.in[0])) * count(shape(op.in[1])) / double(shape(op.in[1])[0]);
  if (op.name == "matmul") {
    const Shape& a = shape(op.in[0]);
    bool transposed = false;
    for (auto& attribute : op.attributes)
      if (attribute.name == "transpose_a") transposed = attribute.integers.at(0) != 0;
    return 2 * count(shape(op.out[0])) * double(transposed ? a[a.size() - 2] : a[a.size() - 1]);
  }
  return 0;
}

/// The results of layers, as (layer, result), that something of the experiment reads.
std::set<std::pair<size_t, uint32_t>> results_read(const Experiment& experiment) {
  std::set<std::pair<size_t, uint32_t>> read;
  const auto note = [&](const Reference& r) { r.is_column() ? void() : void(read.emplace(r.layer, r.result)); };
  for (auto& layer : experiment.layers)
    for (auto& input : layer.inputs) note(input);
  const auto note_all = [&](const auto& measured) {
    for (auto& m : measured) note(m.prediction), note(m.target), m.weight ? note(*m.weight) : void();
  };
  note_all(experiment.losses), note_all(experiment.metrics);
  return read;
}

}  // namespace

ExperimentSummary summarise(const Experiment& experiment, Catalogue& catalogue) {
  Workbench bench(experiment, catalogue);
  ExperimentSummary s;
  s.name = experiment.name, s.backend = bench.session.backend(), s.device = bench.session.describe(), s.batch = bench.batch();
  program::Executable& step = bench.training(bench.batch());
  const program::Lowered& p = step.lowered();
  s.arena_bytes = p.arena_bytes;
  for (size_t e = 0; e < bench.session.state().size(); ++e) s.state_bytes += bench.session.bytes(e);
  for (auto& v : p.values)
    if (v.kind == LAMINA_INPUT) s.input_bytes += v.bytes;
  s.claimed = step.report().claimed, s.decomposed = step.report().decomposed;
  for (auto& op : p.ops) {
    s.ops.emplace_back(op.name, *op.path);
    if (!op.kernel) continue;
    const lamina_kernel kernel = border::read_sized(op.kernel);
    s.kernels.push_back({*op.path, kernel.name, program::kernel_bodies(kernel, true), kernel.gradient != nullptr});
  }
  s.explanation = lines_of(step.explain());

  // The forward pass alone tells each layer's work.
  std::map<std::string, double> flops;
  for (auto& op : bench.evaluation(bench.batch()).lowered().ops) flops[*op.path] += flops_of(op, bench.evaluation(bench.batch()).lowered());
  const auto read = results_read(experiment);
  for (size_t k = 0; k < bench.layers().size(); ++k) {
    const program::RecordedLayer& l = bench.layers()[k];
    LayerSummary layer{l.path, l.type, {}, l.parameter_count, flops[l.path], l.parameters.empty() || !l.trained.empty()};
    for (uint32_t i = 0; i < l.results.size(); ++i)
      if (i == 0 || read.contains({k, i})) layer.output_shapes.push_back(text_of(l.results[i].shape));
    s.parameters += l.parameter_count;
    s.trained += l.trained_count;
    s.layers.push_back(std::move(layer));
  }
  return s;
}

}  // namespace lamina
