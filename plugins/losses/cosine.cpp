#include <lamina/loss.hpp>
using namespace lamina;

struct Cosine {
  bool apart = false;
  double margin = 0;
  std::string reduction = "mean";

  void declare(Declaration& d) {
    d.formula(
        "1 − c, or max(0, c − margin) with apart; c = prediction · target / √((|prediction|² + 10⁻¹²) · (|target|² + 10⁻¹²)) over axis 1\n"
        "y = Σ weight · loss / Σ weight over batch and places, weight 1 when absent");
    d.details(
        "The angle between two vectors, whatever their lengths. PyTorch's cosine embedding loss, whose target 1 is the default here and "
        "whose target −1 is apart: prediction and target are its two vectors.");
    d.source("Salton, Wong & Yang, Comm. ACM 18 (1975)");
    d.input("prediction", "[batch, features, …]");
    d.input("target", "as prediction");
    d.input("weight", "of samples [batch] or of places [batch, …]");
    d.result("y", "one number");
    d.optional("apart", apart, "whether the vectors shall differ, instead of agree");
    d.optional("margin", margin, "[-1, 1]",
               "cosine up to which vectors that shall differ cost nothing; without effect unless they are apart");
    declare_reduction(d, reduction);
    d.example(R"({"apart": true, "margin": -0.5})", "[[4, 3], [4, 3]]");
  }
  Tensor forward(Scope& s, Tensor prediction, Tensor target, std::optional<Tensor> weight) const {
    if (prediction.rank() < 2) s.fail("wanted vectors [batch, features, …], got the shape ", prediction.shape());
    const Tensor other = matched(prediction, target);
    const auto along = [](const Tensor& a, const Tensor& b) { return reshape(sum(a * b, {1}), places_of(a.shape())); };
    const Tensor lengths = (along(prediction, prediction) + 1e-12) * (along(other, other) + 1e-12);
    const Tensor c = along(prediction, other) * rsqrt(lengths);
    return reduced(apart ? relu(c - margin) : 1 - c, weight, reduction);
  }
};
LAMINA_LOSS(Cosine, "cosine", "angle between predicted and wanted vectors")
