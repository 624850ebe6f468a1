#include "program/micro_batches.hpp"

namespace lamina::program {
using namespace graph;

MicroBatches::MicroBatches(Graph& g, int64_t batch, bool more)
    : g_(g), scope_(&host_table(), &handle_), batch_(double(batch)), more_(more) {
  handle_.graph = &g, handle_.where = "accumulation of gradients", handle_.path = "accumulate", handle_.updating = true;
  samples_ = kept("samples", "update", {}), first_ = equal(samples_, 0);
}

State MicroBatches::kept(const std::string& name, const std::string& of, const Shape& shape) {
  handle_.state_path = of;
  return scope_.state(("micro_batches/" + name).c_str(), shape);
}

ValueId MicroBatches::mean(const std::string& name, ValueId of_batch) {
  const Tensor own = tensor(scope_, of_batch) * batch_;
  State sum = kept("sum", name, own.shape());
  const Tensor all = select(first_, own, Tensor(sum) + own);
  if (more_) sum = all;
  return from_border((all / (samples_ + batch_)).id_in(scope_));
}

void MicroBatches::finish() {
  const size_t count = g_.states.size();
  for (size_t i = 0; i < count; ++i) {
    const StateEntry state = g_.states[i];  // a copy: recording moves the graph's own
    if (state.kind != StateKind::statistic || state.current == state.first) continue;
    State old = kept("before", state.path, state.type.shape);
    const Tensor began = select(first_, tensor(scope_, state.first), Tensor(old));
    if (more_) old = began;
    before_[state.path] = from_border(began.id_in(scope_));
  }
  State samples = kept("samples", "update", {});
  samples = more_ ? samples_ + batch_ : samples_ * 0.0;
}

ValueId MicroBatches::before(const std::string& path) const {
  const auto at = before_.find(path);
  return at == before_.end() ? g_.state(path)->first : at->second;
}

}  // namespace lamina::program
