#include <lamina/layer.hpp>
using namespace lamina;

struct Prelu {
  std::string per = "layer";
  double initial = 0.25;

  void declare(Declaration& d) {
    d.formula("y = max(x, 0) + weight · min(x, 0)");
    d.details(
        "weight is learned: [1], or [channels] where each channel of x [batch, channels, …] has its own. The derivative at 0 is "
        "weight. Weight decay draws it to 0, which makes it a `relu`.");
    d.source("He, Zhang, Ren & Sun, ICCV 2015, equation 1");
    d.optional("per", per, "layer | channel", "what has a slope of its own: the layer, or each channel");
    d.optional("initial", initial, "(-inf, inf)", "slope that training starts from");
    d.example(R"({"per": "channel"})", "[[2, 3, 4]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    if (per == "channel" && x.rank() < 2) s.fail("wanted [batch, channels, …] for a slope per channel, got the shape ", x.shape());
    const Tensor weight = s.parameter("weight", {per == "channel" ? x.size(1) : 1}, initial);
    return relu(x) + (per == "channel" ? per_channel(weight, x) : reshape(weight, {})) * minimum(x, 0.0);
  }
};
LAMINA_LAYER(Prelu, "prelu", "rectifier whose slope below 0 is learned")
