#include <lamina/layer.hpp>
using namespace lamina;

struct Dropout {
  double probability = 0.5;

  void declare(Declaration& d) {
    d.formula(
        "y = 0 with probability p, else x / (1 − p), in training\n"
        "y = x in evaluation");
    d.details("Each element is drawn for itself, anew in every step; the factor keeps the mean.");
    d.source("Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, JMLR 15 (2014)");
    d.optional("probability", probability, "[0, 1)", "part p of the elements that is dropped");
    d.example(R"({"probability": 0.4})", "[[6, 5]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    if (!s.training() || probability == 0) return x;
    return select(s.random_uniform(x.shape()) < probability, 0.0, x * (1 / (1 - probability)));
  }
};
LAMINA_LAYER(Dropout, "dropout", "zeros at random while training")
