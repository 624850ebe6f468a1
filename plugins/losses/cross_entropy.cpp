#include <lamina/loss.hpp>
using namespace lamina;

struct CrossEntropy {
  ClassLoss classes;

  void declare(Declaration& d) {
    d.formula(
        "at each place: −w_c · log softmax(prediction)_c of the target's class c, or −Σ_c w_c · t_c · log softmax(prediction)_c of "
        "probabilities t\n"
        "with label smoothing ε: t_c · (1 − ε) + ε / classes instead of t_c, which is 1 for a class number's class\n"
        "y = Σ weight · loss / Σ weight · w_c for class numbers, Σ weight · loss / Σ weight for probabilities; weight 1 when absent");
    d.details(
        "The softmax is part of the loss: the prediction is what the last layer gives, without one. Class numbers have any "
        "integer type; one outside of the classes gives NaN, unless it is ignore_index. Where all places are ignored the mean is NaN. A "
        "loss is one number, so PyTorch's reduction `none` is not among them.");
    d.source("Bridle, NIPS 2 (1989); label smoothing: Szegedy et al., CVPR 2016, section 7");
    d.input("prediction", "logits [batch, classes, …]");
    d.optional("label_smoothing", classes.label_smoothing, "[0, 1]", "part ε of the target that is spread evenly over all classes");
    classes.declare(d);
    d.example(R"({"class_weights": [1, 2, 0.5], "label_smoothing": 0.1})", "[[4, 3], [4, 3]]");
  }
  Tensor forward(Scope& s, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    return classes.of(s, prediction, target, weight, true);
  }
};
LAMINA_LOSS(CrossEntropy, "cross_entropy", "cross-entropy of logits and class numbers or probabilities")
