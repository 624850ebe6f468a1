#include <lamina/layer.hpp>
#include <lamina/normalization.hpp>
using namespace lamina;

struct BatchNorm {
  double momentum = 0.1, epsilon = 1e-5;
  std::string momentum_of = "batch";
  bool unbiased = true, weight = true, bias = true;

  void declare(Declaration& d) {
    d.formula(
        "y = weight · (x − mean) / √(variance + epsilon) + bias, per channel\n"
        "running ← (1 − momentum) · running + momentum · batch");
    d.details(
        "Training takes mean and biased variance of the batch, over all axes but the channels, and moves the running ones; the "
        "running variance gets the unbiased one, n / (n − 1) times the biased, n the values per channel. Evaluation takes the "
        "running ones. The defaults are PyTorch's conventions; Keras's are momentum_of = running, momentum = 0.99, unbiased = false "
        "and epsilon = 0.001. weight, bias, running_mean and running_variance are [channels] and start at 1, 0, 0 and 1. Training "
        "on one value per channel is refused: its variance is 0, y would not depend on x.");
    d.source("Ioffe & Szegedy, ICML 2015, algorithms 1 and 2");
    d.optional("momentum", momentum, "[0, 1]", "part of the new batch in the running statistics, or what momentum_of says");
    d.optional("momentum_of", momentum_of, "batch | running", "whether momentum is the part of the new batch, or the part that stays");
    d.optional("epsilon", epsilon, "(0, inf)", "added to the variance, so that nothing is divided by 0");
    d.optional("unbiased", unbiased, "whether the running variance gets the unbiased variance of the batch");
    d.optional("weight", weight, "whether a learned factor per channel is multiplied");
    d.optional("bias", bias, "whether a learned number per channel is added");
    d.input("x", "[batch, channels, …]");
    d.result("y", "[batch, channels, …]");
    d.example("{}", "[[3, 2, 5]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    if (x.rank() < 2) s.fail("wanted [batch, channels, …], got the shape ", x.shape());
    const Shape channels = {x.size(1)};
    const Tensor w = per_channel(learned_or_neutral(s, "weight", weight, channels, 1), x);
    const Tensor b = per_channel(learned_or_neutral(s, "bias", bias, channels, 0), x);
    State mean = s.state("running_mean", channels, 0), variance = s.state("running_variance", channels, 1);
    if (!s.training()) return (x - per_channel(mean, x)) * (w * per_channel(rsqrt(variance + epsilon), x)) + b;

    const double n = double(element_count(x.shape()) / channels[0]);
    if (n < 2) s.fail("training would normalise over one value per channel; the shape ", x.shape(), " needs a larger batch");
    Shape axes = all_axes(x);
    axes.erase(axes.begin() + 1);
    const Normalized of_batch = normalize(x, w, b, axes, epsilon);
    const double fresh = momentum_of == "batch" ? momentum : 1 - momentum;
    mean = (1 - fresh) * mean + fresh * reshape(of_batch.mean, channels);
    variance = (1 - fresh) * variance + (unbiased ? fresh * n / (n - 1) : fresh) * reshape(of_batch.variance, channels);
    return of_batch.y;
  }
};
LAMINA_LAYER(BatchNorm, "batch_norm", "every channel to mean 0 and variance 1, then scale and shift")
