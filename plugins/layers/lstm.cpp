#include <lamina/recurrent.hpp>
using namespace lamina;

struct Lstm : Recurrent {
  void declare(Declaration& d) {
    d.formula(
        "[i, f, g, o] = weight_ih · x[t] + bias_ih + weight_hh · h + bias_hh, t over the steps\n"
        "c ← σ(f) · c + σ(i) · tanh(g)\n"
        "h ← σ(o) · tanh(c)");
    d.details(
        "h and c start from the inputs `state` and `cell`, without them from 0. weight_ih [4 · units, features], weight_hh "
        "[4 · units, units], bias_ih and bias_hh [4 · units] start uniform in ±1/√units; those of the second direction end in "
        "_reverse. Names, order of the gates, equations and start are PyTorch's, the layout is Keras's and PyTorch's batch_first. "
        "The steps are unrolled, at most 1024.");
    d.source("Hochreiter & Schmidhuber, Neural Computation 9 (1997); Gers, Schmidhuber & Cummins, Neural Computation 12 (2000)");
    Recurrent::declare(d);
    d.input("state", "[batch, units], of both directions [batch, 2 · units]: h before the first step");
    d.input("cell", "as state: c before the first step");
    d.result("last", "[batch, units], of both directions [batch, 2 · units]: h after the last step");
    d.result("last_cell", "as last: c after the last step");
    d.example(R"({"units": 2, "direction": "both"})", "[[2, 3, 3], [2, 4], [2, 4]]");
  }
  Tensors forward(Scope& s, Tensor x, std::optional<Tensor> state, std::optional<Tensor> cell) const {
    return run(s, x, {state, cell}, 4, false, [&](const Tensor& from_x, const Tensor& from_h, const Tensors& before) -> Tensors {
      const Tensors z = gates(from_x + from_h);
      const Tensor c = sigmoid(z[1]) * before[1] + sigmoid(z[0]) * tanh(z[2]);
      return {sigmoid(z[3]) * tanh(c), c};
    });
  }
};
LAMINA_LAYER(Lstm, "lstm", "recurrent layer with long short-term memory")
