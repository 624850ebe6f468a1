#include <lamina/recurrent.hpp>
using namespace lamina;

struct Gru : Recurrent {
  void declare(Declaration& d) {
    d.formula(
        "[rₓ, zₓ, nₓ] = weight_ih · x[t] + bias_ih,  [rₕ, zₕ, nₕ] = weight_hh · h + bias_hh, t over the steps\n"
        "r = σ(rₓ + rₕ),  z = σ(zₓ + zₕ),  n = tanh(nₓ + r · nₕ)\n"
        "h ← (1 − z) · n + z · h");
    d.details(
        "The reset gate r acts after weight_hh, as in PyTorch and Keras; in the paper it acts before. h starts from the input `state`, "
        "without it from 0. weight_ih [3 · units, features], weight_hh [3 · units, units], bias_ih and bias_hh [3 · units] start uniform "
        "in ±1/√units; those of the second direction end in _reverse. Names, order of the gates, equations and start are PyTorch's, "
        "the layout is Keras's and PyTorch's batch_first. The steps are unrolled, at most 1024.");
    d.source("Cho et al., EMNLP 2014, equations 5 to 8");
    Recurrent::declare(d);
    d.input("state", "[batch, units], of both directions [batch, 2 · units]: h before the first step");
    d.result("last", "[batch, units], of both directions [batch, 2 · units]: h after the last step");
    d.example(R"({"units": 3, "direction": "both"})", "[[2, 3, 3], [2, 6]]");
  }
  Tensors forward(Scope& s, Tensor x, std::optional<Tensor> state) const {
    return run(s, x, {state}, 3, true, [&](const Tensor& from_x, const Tensor& from_h, const Tensors& before) -> Tensors {
      const Tensors a = gates(from_x), b = gates(from_h);
      const Tensor r = sigmoid(a[0] + b[0]), z = sigmoid(a[1] + b[1]), n = tanh(a[2] + r * b[2]);
      return {(1 - z) * n + z * before[0]};
    });
  }
};
LAMINA_LAYER(Gru, "gru", "recurrent layer with a reset and an update gate")
