#include "program/loss_scale.hpp"

namespace lamina::program {
using namespace graph;

namespace {
constexpr double first_scale = 65536, largest_scale = 16777216, steps_to_grow = 1000;
}  // namespace

LossScale::LossScale(Graph& g) : scope_(&host_table(), &handle_) {
  handle_.graph = &g, handle_.where = "loss scaling", handle_.path = handle_.state_path = "loss", handle_.updating = true;
  const auto kept = [&](const char* name, double value) {
    return scope_.emit("state", {}, {{"name", name}, {"shape", Shape{}}, {"value", value}})[0];
  };
  scale_.emplace(kept("scale", first_scale)), good_.emplace(kept("good_steps", 0));
}

ValueId LossScale::scaled(ValueId loss) { return from_border((tensor(scope_, loss) * Tensor(*scale_)).id_in(scope_)); }
ValueId LossScale::unscaled(ValueId gradient) { return from_border((tensor(scope_, gradient) / Tensor(*scale_)).id_in(scope_)); }

ValueId LossScale::commit(ValueId finite_id, ValueId loss) {
  const Tensor finite = tensor(scope_, finite_id), scale = *scale_, good = *good_;
  const Tensor grows = logical_and(finite, good + 1 >= steps_to_grow);
  const Tensor sound = equal(tensor(scope_, loss) * 0.0, 0);  // the loss is finite
  *scale_ = select(finite, select(grows, minimum(scale * 2, largest_scale), scale), maximum(scale * 0.5, 1.0));
  *good_ = select(logical_and(finite, logical_not(grows)), good + 1, 0.0);
  return from_border(logical_or(finite, logical_and(sound, scale > 1.0)).id_in(scope_));
}

}  // namespace lamina::program
