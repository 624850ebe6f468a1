#include "program/model.hpp"

#include <algorithm>
#include <set>

#include "base/failure.hpp"
#include "base/glob.hpp"
#include "base/nearest.hpp"
#include "graph/autodiff.hpp"
#include "graph/op.hpp"
#include "plugin/describe.hpp"
#include "program/update.hpp"

namespace lamina::program {
using namespace graph;
namespace {

class Recording {
 public:
  Recording(const Experiment& experiment, const Columns& columns, const Request& request, DType real)
      : x_(experiment), columns_(columns), request_(request), graph_(std::make_unique<Graph>(real)), g_(*graph_), calls_(g_, result_) {}

  Recorded run() {
    for (auto& layer : x_.layers) forward(layer);
    check_groups();
    bool wants_loss = request_.update || (!request_.with_respect_to.empty() && request_.differentiate == "loss");
    for (auto& name : request_.fetch) wants_loss |= name == "loss" || name == "losses";
    if (wants_loss) record_losses();
    if (wants_loss && training() && !penalties_.empty()) record_penalties();
    for (auto& name : request_.fetch) fetch(name);
    if (!request_.with_respect_to.empty()) gradients();
    if (request_.update)
      Update(x_, g_, calls_, result_).record(trained_, loss_, request_);
    else
      for (auto& s : g_.states) s.current = s.first;  // only training steps change the state
    result_.graph = std::move(graph_);
    return std::move(result_);
  }

 private:
  bool training() const { return request_.mode == Request::Mode::train; }

  /// A column of the batch after its transforms. As a layer's input it is real; as a target it keeps its type, but reals are the program's.
  ValueId column(const std::string& name, bool as_input) {
    lamina_scope scope;
    scope.graph = &g_, scope.path = name;
    auto known = transformed_.find(name);
    if (known == transformed_.end()) {
      ValueId v = transformed_until(x_.transforms.size(), name).value;
      if (is_real(g_.values[v].type.dtype)) v = real(scope, v);
      known = transformed_.emplace(name, v).first;
    }
    return as_input ? real(scope, known->second) : known->second;
  }
  /// A column on its way through the transforms.
  struct Column {
    ValueId value;
    size_t next = 0;  ///< the first of the experiment's transforms that has not been at it
    int count = 0;    ///< of those that have changed it
  };
  /// The column behind all transforms before number `end`, which are recorded where they are not yet. A transform over several columns
  /// takes the others with it to where it stands.
  Column& transformed_until(size_t end, const std::string& name) {
    auto known = stored_.find(name);
    if (known == stored_.end()) known = stored_.emplace(name, Column{stored(name)}).first;
    Column& column = known->second;
    for (; column.next < end; ++column.next) {
      const TransformConfig& t = x_.transforms[column.next];
      if (std::find(t.columns.begin(), t.columns.end(), name) == t.columns.end()) continue;
      const size_t here = column.next;
      std::vector<ValueId> in;
      for (auto& each : t.columns) in.push_back(transformed_until(here, each).value);
      const std::string& first = t.columns[0];
      lamina_scope scope;
      scope.path = scope.state_path =
          "transforms/" + first + "/" + std::to_string(stored_.at(first).count) + "_" + t.transform.plugin->name;
      scope.where = "transform '" + t.transform.plugin->name + "' of column '" + first + "'";
      scope.training = training() && !x_.training.overfit_batches;
      const std::vector<ValueId> out = calls_.layer(scope, t.transform, in);
      for (size_t i = 0; i < t.columns.size(); ++i) {
        Column& each = stored_.at(t.columns[i]);
        each.value = out.at(i), each.next = here + (&each != &column), ++each.count;
      }
    }
    return column;
  }
  /// A column of the batch as the dataset stores it.
  ValueId stored(const std::string& name) {
    auto it = columns_.find(name);
    if (it == columns_.end()) {
      std::vector<std::string> names;
      for (auto& [n, _] : columns_) names.push_back(n);
      throw Failure(Exit::experiment, "the data set has no column '" + name + "'" + did_you_mean(name, names));
    }
    lamina_scope scope;
    scope.graph = &g_, scope.path = name, scope.where = "column '" + name + "'";
    Shape shape = it->second.shape;
    shape.insert(shape.begin(), request_.batch);
    return calls_.guarded(scope, [&] {
      return record_node(scope, op_named("input"), {}, {{"name", name}, {"shape", shape}, {"dtype", it->second.dtype}})[0];
    });
  }
  ValueId real(lamina_scope& scope, ValueId v) {
    return g_.values[v].type.dtype == g_.real ? v : record_node(scope, op_named("cast"), {v}, {})[0];
  }
  ValueId reference(const Reference& r, bool as_input) {
    if (r.is_column()) return column(r.column, as_input);
    const auto& results = results_.at(r.layer);
    if (r.result < results.size()) return results[r.result];
    const LayerConfig& layer = x_.layers[r.layer];
    PluginCalls::refuse(r.place, "the layer '" + layer.path + "' has " + std::to_string(results.size()) + " results, from \"" +
                                     result_name(*layer.layer.plugin, 0) + "\" to \"" +
                                     result_name(*layer.layer.plugin, results.size() - 1) + "\"; there is no \"" +
                                     result_name(*layer.layer.plugin, r.result) + "\"");
  }

  void forward(const LayerConfig& layer) {
    std::vector<ValueId> in;
    for (auto& r : layer.inputs) in.push_back(reference(r, true));
    lamina_scope scope;
    scope.where = "layer '" + layer.path + "' (" + layer.layer.plugin->name + ")";
    scope.path = layer.path;
    scope.state_path = layer.share ? x_.layers[*layer.share].path : layer.path;
    scope.training = training() && layer.training;
    const size_t before = g_.states.size();
    results_.push_back(calls_.layer(scope, layer.layer, in));
    RecordedLayer r{layer.path, layer.layer.plugin->name, {}, {}, 0, {}, 0};
    for (auto v : results_.back()) r.results.push_back(g_.values[v].type);
    for (size_t i = before; i < g_.states.size(); ++i) {
      if (g_.states[i].kind != StateKind::parameter) continue;
      int64_t count = 1;
      for (auto d : g_.states[i].type.shape) count *= d;
      r.parameter_count += count;
      r.parameters.push_back(g_.states[i].path);
      const Trained trained = learned(i, layer);
      if (!trained.optimizer) continue;
      r.trained_count += count;
      r.trained.push_back(g_.states[i].path);
      trained_.push_back(trained);
    }
    for (auto& initializer : layer.initializers) {
      const std::string wanted = scope.state_path + "/" + initializer.parameter;
      if (std::find(r.parameters.begin(), r.parameters.end(), wanted) == r.parameters.end() && !layer.share) {
        std::vector<std::string> names;
        for (auto& p : r.parameters) names.push_back(p.substr(scope.state_path.size() + 1));
        PluginCalls::refuse(initializer.initializer.place, scope.where + ": it has no parameter '" + initializer.parameter +
                                                               "' to initialise" + did_you_mean(initializer.parameter, names));
      }
    }
    for (auto& one : layer.regularize) {
      const StateEntry* state = g_.state(layer.path + "/" + one.parameter);
      if (!state || state->kind != StateKind::parameter) {
        std::vector<std::string> names;
        for (auto& p : r.parameters) names.push_back(p.substr(layer.path.size() + 1));
        PluginCalls::refuse(one.place,
                            scope.where + ": it has no parameter '" + one.parameter + "' of its own" + did_you_mean(one.parameter, names));
      }
      penalties_.push_back({state->first, &one, layer.path});
    }
    result_.layers.push_back(std::move(r));
  }
  /// How a parameter is learned; without an optimizer where it is not.
  Trained learned(size_t state, const LayerConfig& layer) {
    Trained trained{state, layer.learning_rate_scale, &x_.optimizer, ""};
    for (size_t k = 0; k < x_.groups.size(); ++k) {
      const GroupConfig& group = x_.groups[k];
      const auto matched = [&](auto& pattern) { return matches(pattern.first, g_.states[state].path); };
      if (std::none_of(group.patterns.begin(), group.patterns.end(), matched)) continue;
      trained.rate_scale *= group.learning_rate ? *group.learning_rate / x_.learning_rate : group.learning_rate_scale;
      if (!group.given.empty()) trained.optimizer = &group.optimizer, trained.group = "groups[" + std::to_string(k) + "]";
      if (!group.trainable) trained.optimizer = nullptr;
      break;
    }
    if (!layer.trainable) trained.optimizer = nullptr;
    return trained;
  }
  /// A pattern of a group that matches no parameter is a fault.
  void check_groups() const {
    std::vector<std::string> names;
    for (auto& layer : result_.layers) names.insert(names.end(), layer.parameters.begin(), layer.parameters.end());
    std::vector<Fault> faults;
    for (auto& group : x_.groups)
      for (auto& [pattern, place] : group.patterns)
        if (std::none_of(names.begin(), names.end(), [&](auto& name) { return matches(pattern, name); }))
          faults.push_back({place, "no parameter is named like '" + pattern + "'" + did_you_mean(pattern, names)});
    if (!faults.empty()) throw ConfigError(std::move(faults));
  }
  void record_losses() {
    for (auto& loss : x_.losses) {
      const ValueId one = record_loss(loss);
      if (!loss.name.empty()) parts_.push_back({"loss/" + loss.name, one});
      if (loss.scale == 1 && loss_ == absent) {
        loss_ = one;
        continue;
      }
      lamina_scope scope;
      scope.graph = &g_, scope.path = "loss", scope.where = "sum of the losses";
      Scope s(&host_table(), &scope);
      loss_ = calls_.guarded(scope, [&] {
        const Tensor part = loss.scale == 1 ? tensor(s, one) : tensor(s, one) * loss.scale;
        return from_border((loss_ == absent ? part : tensor(s, loss_) + part).id_in(s));
      });
    }
  }
  /// What the experiment asks of its parameters, added to the loss that is trained on.
  void record_penalties() {
    lamina_scope scope;
    scope.graph = &g_, scope.where = "regularisation";
    Scope s(&host_table(), &scope);
    Tensor sum;
    for (auto& p : penalties_) {
      scope.path = p.layer;
      const Tensor w = tensor(s, p.value);
      const auto total = [&](const Tensor& t) { return t.rank() ? reshape(lamina::sum(t, all_axes(t)), {}) : t; };
      const auto add = [&](const Tensor& part) { sum = sum ? sum + part : part; };
      calls_.guarded(scope, [&] {
        if (p.of->l1) add(p.of->l1 * total(abs(w)));
        if (p.of->l2) add(p.of->l2 * total(square(w)));
      });
    }
    if (!sum) sum = tensor(s, loss_) * 0.0;
    scope.path = "loss";
    parts_.push_back({"loss/regularization", from_border(sum.id_in(s))});
    loss_ = calls_.guarded(scope, [&] { return from_border((tensor(s, loss_) + sum).id_in(s)); });
  }
  ValueId record_loss(const LossConfig& loss) {
    lamina_scope scope;
    scope.where = "loss '" + (loss.name.empty() ? loss.loss.plugin->name : loss.name) + "'";
    scope.path = scope.state_path = loss.name.empty() ? "loss" : "loss/" + loss.name;
    scope.training = training();
    std::vector<ValueId> in = {reference(loss.prediction, true), reference(loss.target, false)};
    if (loss.weight) in.push_back(reference(*loss.weight, true));
    const ValueId result = calls_.layer(scope, loss.loss, in).at(0);
    if (!g_.values[result].type.shape.empty())
      throw Failure(Exit::plugin, scope.sentence("a loss is one number, this has the shape " + piece(g_.values[result].type.shape)));
    return result;
  }
  void fetch(const std::string& name) {
    if (name == "loss") {
      result_.outputs.push_back({name, loss_});
    } else if (name == "losses") {
      result_.outputs.push_back({"loss", loss_});
      result_.outputs.insert(result_.outputs.end(), parts_.begin(), parts_.end());
    } else if (name == "metrics") {
      for (auto& m : x_.metrics) metric(m);
    } else if (name == "prediction") {
      result_.outputs.push_back({name, reference(x_.losses[0].prediction, true)});
    } else {
      result_.outputs.push_back({name, named(name)});
    }
  }
  void metric(const MetricConfig& m) {
    const auto table = copy_sized<lamina_metric>(m.metric.plugin->table);
    if (!table.sums) throw Failure(Exit::plugin, m.metric.plugin->file + ": the metric's table has no sums");
    lamina_scope scope;
    scope.where = "metric '" + m.name + "'", scope.path = scope.state_path = "metrics/" + m.name, scope.training = training();
    std::vector<ValueId> in = {reference(m.prediction, true), reference(m.target, false)};
    if (m.weight) in.push_back(reference(*m.weight, true));
    int number = 0;
    for (auto v : calls_.results_of(scope, m.metric, in, table.sums))
      result_.outputs.push_back({"metric/" + m.name + "/" + std::to_string(number++), v});
  }
  /// A layer ("c1", "c1.result"), "loss", or a stored column.
  ValueId named(const std::string& name) {
    if (name == "loss" && loss_ != absent) return loss_;
    std::vector<std::string> names = {"loss"};
    for (size_t k = 0; k < x_.layers.size(); ++k) {
      const auto& layer = x_.layers[k];
      names.push_back(layer.path);
      if (layer.path == name) return results_[k].at(0);
      for (size_t i = 0; i < results_[k].size(); ++i)
        if (layer.path + "." + result_name(*layer.layer.plugin, i) == name) return results_[k][i];
    }
    if (auto it = transformed_.find(name); it != transformed_.end()) return it->second;
    throw Failure(Exit::usage, "no layer is called '" + name + "'" + did_you_mean(name, names));
  }
  void gradients() {
    std::vector<ValueId> wrt;
    for (auto& name : request_.with_respect_to) {
      auto* s = g_.state(name);
      wrt.push_back(s ? s->first : named(name));
    }
    lamina_scope scope;
    scope.graph = &g_, scope.where = "gradients";
    const auto d = calls_.guarded(scope, [&] { return differentiate(scope, named(request_.differentiate), wrt); });
    for (size_t i = 0; i < d.size(); ++i) {
      ValueId v = d[i];
      if (v == absent) {
        const ValueId zero = record_node(scope, op_named("constant"), {}, {{"value", 0.0}})[0];
        v = record_node(scope, op_named("broadcast"), {zero}, {{"shape", g_.values[wrt[i]].type.shape}})[0];
      }
      result_.outputs.push_back({"gradient/" + request_.with_respect_to[i], v});
    }
  }

  const Experiment& x_;
  const Columns& columns_;
  const Request& request_;
  std::unique_ptr<Graph> graph_;
  Graph& g_;
  Recorded result_;
  PluginCalls calls_;
  std::map<std::string, Column> stored_;
  std::map<std::string, ValueId> transformed_;
  std::vector<std::vector<ValueId>> results_;  ///< per layer
  std::vector<Trained> trained_;
  struct Penalty {
    ValueId value;
    const RegularizeConfig* of;
    std::string layer;
  };
  std::vector<Penalty> penalties_;
  ValueId loss_ = absent;
  std::vector<NamedValue> parts_;  ///< of the loss, where they have names
};

}  // namespace

void Recorded::refuse(const ErrorAt& error) const {
  const auto at = origins.find(error.path);
  if (at == origins.end()) throw Failure(error.exit, error.what());
  throw ConfigError({Fault{at->second.place, at->second.where + ": " + error.sentence, error.exit}});
}

Recorded record(const Experiment& experiment, const Columns& columns, const Request& request, DType real) {
  return Recording(experiment, columns, request, real).run();
}

}  // namespace lamina::program
