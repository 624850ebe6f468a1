#include <lamina/loss.hpp>
using namespace lamina;

struct Nll {
  ClassLoss classes;

  void declare(Declaration& d) {
    d.formula(
        "at each place: −w_c · prediction_c of the target's class c, or −Σ_c w_c · t_c · prediction_c of probabilities t\n"
        "y = Σ weight · loss / Σ weight · w_c for class numbers, Σ weight · loss / Σ weight for probabilities; weight 1 when absent");
    d.details(
        "For nets that end with a `log_softmax`; `cross_entropy` is both in one. Class numbers have any integer type; one outside of the "
        "classes gives NaN, unless it is ignore_index. Where all places are ignored the mean is NaN.");
    d.source("Fisher, Phil. Trans. R. Soc. A 222 (1922)");
    d.input("prediction", "log-probabilities [batch, classes, …]");
    classes.declare(d);
    d.example(R"({"class_weights": [1, 2, 0.5]})", "[[4, 3], [4, 3]]");
  }
  Tensor forward(Scope& s, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    return classes.of(s, prediction, target, weight, false);
  }
};
LAMINA_LOSS(Nll, "nll", "negative log-likelihood of log-probabilities")
