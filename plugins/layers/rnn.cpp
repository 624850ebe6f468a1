#include <lamina/recurrent.hpp>
using namespace lamina;

struct Rnn : Recurrent {
  std::string activation = "tanh";

  void declare(Declaration& d) {
    d.formula("h ← activation(weight_ih · x[t] + bias_ih + weight_hh · h + bias_hh), t over the steps");
    d.details(
        "h starts from the input `state`, without it from 0. weight_ih [units, features], weight_hh [units, units], bias_ih and bias_hh "
        "[units] start uniform in ±1/√units; those of the second direction end in _reverse. Names, equation and start are PyTorch's, "
        "the layout is Keras's and PyTorch's batch_first. The steps are unrolled, at most 1024.");
    d.source("Elman, Cognitive Science 14 (1990)");
    Recurrent::declare(d);
    d.optional("activation", activation, "tanh | relu", "function of the sum");
    d.input("state", "[batch, units], of both directions [batch, 2 · units]: h before the first step");
    d.result("last", "[batch, units], of both directions [batch, 2 · units]: h after the last step");
    d.example(R"({"units": 3, "direction": "both"})", "[[2, 4, 3], [2, 6]]");
  }
  Tensors forward(Scope& s, Tensor x, std::optional<Tensor> state) const {
    return run(s, x, {state}, 1, false, [&](const Tensor& from_x, const Tensor& from_h, const Tensors&) -> Tensors {
      return {activation == "tanh" ? tanh(from_x + from_h) : relu(from_x + from_h)};
    });
  }
};
LAMINA_LAYER(Rnn, "rnn", "recurrent layer with one gate")
