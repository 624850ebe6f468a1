/// Recurrent layers: what rnn, lstm and gru share. One of them is a Recurrent with a cell, the formula from one step's state to the next.
#pragma once
#include "axes.hpp"
#include "layer.hpp"

namespace lamina {

struct Recurrent {
  int64_t units = 0;
  std::string direction = "forward", steps = "all";
  bool bias = true;
  std::optional<double> mask;

  /// The parameters, x and y; the inputs and results of the states are the layer's own.
  void declare(Declaration& d) {
    d.required("units", units, "[1, 1048576]", "numbers in the state of each direction");
    d.optional("direction", direction, "forward | backward | both",
               "way through the steps; both: two ways side by side, each with weights of its own");
    d.optional("steps", steps, "all | last", "whether y holds the state after every step, or after the last step of its way");
    d.optional("bias", bias, "whether bias_ih and bias_hh are added");
    d.optional(
        "mask", mask, "(-inf, inf)",
        "steps whose features are all this number, as the 0 of an embedding's padding, are passed over: the states stand still, and y "
        "repeats them (ahead of the first step that counts, those the way starts with); best 0, −1 or another number that every "
        "precision holds");
    d.input("x", "[batch, steps, features]");
    d.result("y", "[batch, steps, units], or [batch, units] of the last step; of both directions [forward, backward] along the last axis");
  }

  Tensors gates(const Tensor& z) const { return parts_of(z, 1, Shape(size_t(z.size(1) / units), units)); }

  /// y and the states behind the last step. `initial`: the states before the first step [batch, units], of both directions [batch, 2
  /// units]; absent: 0. cell(from_x, from_h, states) gives the next states [batch, units], of which the first is the step's result; from_x
  /// and from_h are weight_ih · x and weight_hh · state, [batch, gates · units]. bias_ih is in from_x, and bias_hh too, where one sum
  /// serves all steps, or in from_h, where the cell wants them `apart`.
  template <class Cell>
  Tensors run(Scope& s, const Tensor& x, const std::vector<std::optional<Tensor>>& initial, int64_t gates, bool apart, Cell cell) const {
    if (x.rank() != 3) s.fail("wanted [batch, steps, features], got the shape ", x.shape());
    const int64_t batch = x.size(0), count = x.size(1), features = x.size(2), ways = direction == "both" ? 2 : 1;
    if (count > 1024) s.fail("x has ", count, " steps, and every one becomes ops of the program; wanted at most 1024");
    for (auto& state : initial)
      if (state && state->shape() != Shape{batch, ways * units})
        s.fail("a state before the first step is ", state->shape(), "; wanted ", Shape{batch, ways * units});
    // Steps first: one product serves all, and what belongs to a step stands together.
    const Tensor rows = reshape(transpose(x, {1, 0, 2}), {count * batch, features});
    std::vector<Tensors> results(1 + initial.size());  // y and the states, each by direction
    for (int64_t way = 0; way < ways; ++way) {
      const bool backward = direction == "backward" || way == 1;
      const auto learned = [&](std::string name, const Shape& shape) {
        const double bound = 1 / std::sqrt(double(units));
        Initializer start("uniform", 0, 0);
        start.settings = {{"initializer.low", -bound}, {"initializer.high", bound}};
        return s.parameter((name + (way ? "_reverse" : "")).c_str(), shape, start);
      };
      const Tensor weight_ih = learned("weight_ih", {gates * units, features}), weight_hh = learned("weight_hh", {gates * units, units});
      Tensor all_from_x = matmul(rows, weight_ih, false, true), bias_hh = 0.0;
      if (bias) {
        all_from_x = all_from_x + learned("bias_ih", {gates * units}), bias_hh = learned("bias_hh", {gates * units});
        if (!apart) all_from_x = all_from_x + std::exchange(bias_hh, 0.0);
      }
      const Tensors from_x = parts_of(all_from_x, 0, Shape(size_t(count), batch));
      // How far each step is from a masked one, [batch, 1]; NaN is not masked.
      const Tensors unlike = mask ? parts_of(max(abs(rows - *mask), {1}), 0, Shape(size_t(count), batch)) : Tensors();
      Tensors states, all(static_cast<size_t>(count));
      for (auto& state : initial)
        states.push_back(state ? slice(*state, 1, way * units, (way + 1) * units)
                               : s.emit("broadcast", {0.0}, {{"shape", Shape{batch, units}}})[0]);
      for (int64_t i = 0; i < count; ++i) {
        const size_t step = size_t(backward ? count - 1 - i : i);
        Tensors next = cell(from_x[step], matmul(states[0], weight_hh, false, true) + bias_hh, states);
        for (size_t k = 0; mask && k < next.size(); ++k) next[k] = select(equal(unlike[step], 0), states[k], next[k]);
        states = std::move(next);
        all[step] = states[0];
      }
      results[0].push_back(steps == "all" ? reshape(concat(all, 0), {count, batch, units}) : states[0]);
      for (size_t i = 0; i < states.size(); ++i) results[1 + i].push_back(states[i]);
    }
    Tensors y;
    for (auto& of_ways : results) y.push_back(concat(of_ways, -1));
    if (steps == "all") y[0] = transpose(y[0], {1, 0, 2});
    return y;
  }
};

}  // namespace lamina
