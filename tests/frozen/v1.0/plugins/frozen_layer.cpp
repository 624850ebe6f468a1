#include <lamina/layer.hpp>
using namespace lamina;

/// Everything that a layer can do: settings of several types, a state, a learned tensor, several inputs and results, training.
struct FrozenLayer {
  double slope = 1;
  bool centred = true;
  std::string gate = "sigmoid";
  PerAxis repeat = 1;

  void declare(Declaration& d) {
    d.optional("slope", slope, "[0, inf)", "first slope of the gate", Unit("1"));
    d.optional("centred", centred, "whether the running mean is taken off");
    d.optional("gate", gate, "sigmoid | tanh", "function of the gate");
    d.optional("repeat", repeat, "[1, 1]", "one per axis");
    d.input("x", "[batch, channels, …]");
    d.input("other", "as x; may be absent");
    d.result("y", "as x");
    d.result("gate", "as x");
    d.example(R"({"slope": 1.5})", "[[3, 2, 4]]");
  }
  std::array<Tensor, 2> forward(Scope& s, Tensor x, std::optional<Tensor> other) const {
    if (x.rank() < 2) s.fail("wanted [batch, channels, …], got the shape ", x.shape());
    repeat.at(x.rank());
    const Tensor beta = per_channel(s.parameter("beta", {x.size(1)}, slope), x);
    State mean = s.state("mean", {1});
    Tensor from = other ? x + *other : x;
    if (s.training()) mean = 0.9 * mean + 0.1 * reshape(lamina::mean(from), {1});
    if (centred) from = from - mean;
    const Tensor open = gate == "sigmoid" ? sigmoid(beta * from) : tanh(beta * from);
    return {from * open, open};
  }
};
LAMINA_LAYER(FrozenLayer, "frozen_layer", "a gate that each channel learns")
