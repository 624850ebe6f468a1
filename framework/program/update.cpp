#include "program/update.hpp"

#include "base/failure.hpp"
#include "graph/autodiff.hpp"
#include "graph/op.hpp"
#include "plugin/describe.hpp"

namespace lamina::program {
using namespace graph;
namespace {

/// Added up in even groups, as many levels for each: so all the sums stand at one height and run as one op, in an order that is fixed.
Tensor added_up(Tensors parts) {
  constexpr size_t most = 16;
  while (parts.size() > 1) {
    const size_t count = parts.size(), groups = (count + most - 1) / most;
    Tensors totals;
    for (size_t k = 0; k < groups; ++k) {
      Tensor total = parts[k * count / groups];
      for (size_t i = k * count / groups + 1; i < (k + 1) * count / groups; ++i) total = total + parts[i];
      totals.push_back(total);
    }
    parts = std::move(totals);
  }
  return parts[0];
}
Tensor sum_of(const Tensor& t) { return t.rank() ? sum(t, all_axes(t)) : t; }

}  // namespace

Update::Update(const Experiment& experiment, Graph& graph, PluginCalls& calls, Recorded& recorded)
    : x_(experiment), g_(graph), calls_(calls), recorded_(recorded), scope_(&host_table(), &handle_) {
  handle_.graph = &g_;
}

lamina_scope& Update::at(const char* path, const char* where) {
  handle_.path = path, handle_.where = where;
  return handle_;
}

void Update::record(const std::vector<Trained>& trained, ValueId loss, const Request& request) {
  std::optional<LossScale> scale;
  if (request.scale_loss) scale.emplace(g_);
  differentiate(trained, scale ? scale->scaled(loss) : loss);
  g_.update_rank = uint32_t(g_.nodes.size());
  std::optional<MicroBatches> batches;
  if (x_.training.accumulate > 1) {
    batches.emplace(g_, request.batch, request.accumulate);
    calls_.guarded(batches->scope(), [&] { accumulate(loss, *batches); });
    if (request.accumulate) return recorded_.outputs.clear();
  }

  ValueId commit = calls_.guarded(at("finite", "finite test"), [&] { return from_border(finite(loss).id_in(scope_)); });
  if (scale)
    for (auto& g : gradients_) g.value = scale->unscaled(g.value);
  commit = calls_.guarded(at("clip", "clipping"), [&] { return from_border(clip(loss, tensor(scope_, commit)).id_in(scope_)); });
  for (auto& g : gradients_) optimize(g);
  if (x_.training.average) average();
  at("optimizer", "commit");
  for (auto& state : g_.states)
    if (state.current != state.first && !MicroBatches::keeps(state.path))
      state.current =
          record_node(handle_, op_named("select"), {commit, state.current, batches ? batches->before(state.path) : state.first}, {})[0];
  recorded_.outputs.push_back({"finite", scale ? scale->commit(commit, loss) : commit});
}

/// Loss, gradients and what the host is told become the means over all samples of the update so far.
void Update::accumulate(ValueId& loss, MicroBatches& batches) {
  const ValueId own = loss;
  for (auto& output : recorded_.outputs) {
    const bool whole = output.value == own;
    output.value = batches.mean(output.name, output.value);
    if (whole) loss = output.value;
  }
  for (auto& g : gradients_) g.value = batches.mean(g_.states[g.of->state].path, g.value);
  batches.finish();
}

void Update::differentiate(const std::vector<Trained>& trained, ValueId of) {
  std::vector<ValueId> parameters;
  for (auto& t : trained) parameters.push_back(g_.states[t.state].first);
  const auto d = calls_.guarded(at("loss", "gradients"), [&] { return graph::differentiate(handle_, of, parameters); });
  for (size_t i = 0; i < d.size(); ++i)
    if (d[i] == absent)
      recorded_.without_gradient.push_back(g_.states[trained[i].state].path);
    else
      gradients_.push_back({&trained[i], d[i]});
}

/// Whether the loss and all gradients are.
Tensor Update::finite(ValueId loss) {
  const auto zero = [&](ValueId v) { return sum_of(tensor(scope_, v) * 0.0); };  // 0 if all is finite, else NaN
  Tensors parts = {zero(loss)};
  for (auto& g : gradients_) parts.push_back(zero(g.value));
  return reshape(equal(added_up(std::move(parts)), 0), {});
}

/// Clips the gradients as PyTorch does. Returns whether the step is finite: it is not where the norm overflows.
Tensor Update::clip(ValueId loss, Tensor finite) {
  const ClipConfig& clip = x_.training.clip;
  const auto change = [&](auto function) {
    for (auto& g : gradients_) g.value = from_border(function(tensor(scope_, g.value)).id_in(scope_));
  };
  if (clip.value) change([&](const Tensor& g) { return maximum(minimum(g, *clip.value), -*clip.value); });
  if (!clip.norm) return finite;
  Tensors squares;
  for (auto& g : gradients_) squares.push_back(sum_of(square(tensor(scope_, g.value))));
  const Tensor norm = squares.empty() ? tensor(scope_, loss) * 0.0 : sqrt(reshape(added_up(std::move(squares)), {}));
  const Tensor factor = minimum(*clip.norm / (norm + 1e-6), 1.0);
  change([&](const Tensor& g) { return g * factor; });
  recorded_.outputs.push_back({"gradient_norm", from_border(norm.id_in(scope_))});
  return logical_and(finite, equal(norm * 0.0, 0));
}

void Update::optimize(const Gradient& gradient) {
  const Trained& trained = *gradient.of;
  const PluginConfig& optimizer = *trained.optimizer;
  const auto table = copy_sized<lamina_optimizer>(optimizer.plugin->table);
  if (!table.update) throw Failure(Exit::plugin, optimizer.plugin->file + ": the optimizer's table has no update");
  const std::string path = g_.states[trained.state].path;
  lamina_scope inner;
  inner.where = "optimizer '" + optimizer.plugin->name + "' on '" + path + "'";
  inner.path = "optimizer", inner.state_path = path, inner.updating = true, inner.training = true;
  inner.rate_scale = trained.rate_scale, inner.group = trained.group;
  lamina_value next = 0;
  calls_.call(inner, optimizer, [&](auto* host, auto* handle, auto* settings, uint32_t count) {
    return table.update(host, handle, settings, count, to_border(g_.states[trained.state].first), to_border(gradient.value), &next);
  });
  if (!next || next > g_.values.size() || g_.values[from_border(next)].type != g_.states[trained.state].type)
    throw Failure(Exit::plugin, inner.sentence("the next weights must have the weights' own shape and type"));
  g_.states[trained.state].current = from_border(next);
}

/// average ← decay · average + (1 − decay) · next, of all that the step changes but the optimizer's own: weights and running statistics.
void Update::average() {
  const AverageConfig& config = *x_.training.average;
  lamina_scope& scope = at("average", "average of the weights");
  scope.updating = true;
  calls_.guarded(scope, [&] {
    const auto kept = [&](const char* name, const std::string& of, const Shape& shape) {
      scope.state_path = of;
      return scope_.state(name, shape);
    };
    State updates = kept("updates", "average", {});
    const Tensor before = updates;
    const Tensor decay = minimum(config.decay, config.warm_up ? before / (before + 1) : before);  // the first update is taken as it is
    updates = before + 1;
    const size_t count = g_.states.size();
    for (size_t i = 0; i < count; ++i) {
      const StateEntry state = g_.states[i];  // a copy: recording moves the graph's own
      if (state.kind == StateKind::slot || state.current == state.first) continue;
      State mean = kept("average", state.path, state.type.shape);
      mean = decay * mean + (1 - decay) * tensor(scope_, state.current);
    }
  });
  scope.updating = false;
}

}  // namespace lamina::program
