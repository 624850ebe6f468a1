#include <lamina/layer.hpp>
using namespace lamina;

/// Swish with a learned slope: y = x · sigmoid(βx).  x, y: any shape; beta: one number.
struct LearnedSwish {
  double beta = 1;

  void declare(Declaration& d) {
    d.optional("beta", beta, "slope β of the gate at the start");
    d.example(R"({"beta": 1.5})", "[[2, 3]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    const Tensor slope = s.parameter("beta", {}, beta);
    return x * sigmoid(slope * x);
  }
};
LAMINA_LAYER(LearnedSwish, "learned_swish", "self-gated activation with a learned slope")
