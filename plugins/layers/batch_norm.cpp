#include <lamina/layer.hpp>
using namespace lamina;

struct BatchNorm {
  double momentum = 0.1, epsilon = 1e-5;

  void declare(Declaration& d) {
    d.formula(
        "y = weight · (x − mean) / √(variance + epsilon) + bias, per channel\n"
        "running ← (1 − momentum) · running + momentum · batch");
    d.details(
        "Training takes mean and biased variance of the batch, over all axes but the channels, and moves the running ones; the "
        "running variance gets the unbiased one, n / (n − 1) times the biased, n the values per channel (PyTorch's "
        "convention). Evaluation takes the running ones. weight, bias, running_mean and running_variance are [channels] and "
        "start at 1, 0, 0 and 1. Training on one value per channel is refused: its variance is 0, y would not depend on x.");
    d.source("Ioffe & Szegedy, ICML 2015, algorithms 1 and 2");
    d.optional("momentum", momentum, "[0, 1]", "part of the new batch in the running statistics");
    d.optional("epsilon", epsilon, "(0, inf)", "added to the variance, so that nothing is divided by 0");
    d.input("x", "[batch, channels, …]");
    d.result("y", "[batch, channels, …]");
    d.example("{}", "[[3, 2, 5]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    if (x.rank() < 2) s.fail("wanted [batch, channels, …], got the shape ", x.shape());
    const Shape channels = {x.size(1)};
    const Tensor weight = per_channel(s.parameter("weight", channels, 1.0), x), bias = per_channel(s.parameter("bias", channels, 0.0), x);
    State mean = s.state("running_mean", channels, 0), variance = s.state("running_variance", channels, 1);
    if (!s.training()) return (x - per_channel(mean, x)) * (weight * per_channel(rsqrt(variance + epsilon), x)) + bias;

    const double n = double(element_count(x.shape()) / channels[0]);
    if (n < 2) s.fail("training would normalise over one value per channel; the shape ", x.shape(), " needs a larger batch");
    Shape axes = all_axes(x);
    axes.erase(axes.begin() + 1);
    const Normalized of_batch = normalize(x, weight, bias, axes, epsilon);
    mean = (1 - momentum) * mean + momentum * reshape(of_batch.mean, channels);
    variance = (1 - momentum) * variance + (momentum * n / (n - 1)) * reshape(of_batch.variance, channels);
    return of_batch.y;
  }
};
LAMINA_LAYER(BatchNorm, "batch_norm", "every channel to mean 0 and variance 1, then scale and shift")
