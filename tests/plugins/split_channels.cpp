#include <lamina/layer.hpp>
using namespace lamina;

/// Cuts the channels in two: a layer with two results.  x [batch, channels, …]; low [batch, at, …]; high [batch, channels − at, …].
struct SplitChannels {
  int64_t at = 1;

  void declare(Declaration& d) {
    d.optional("at", at, "[1, inf)", "first channel of high");
    d.input("x", "[batch, channels, …]");
    d.result("low", "channels [0, at)");
    d.result("high", "channels [at, channels)");
    d.example(R"({"at": 2})", "[[2, 5, 3]]");
  }
  std::array<Tensor, 2> forward(Scope& s, Tensor x) const {
    if (at >= x.size(1)) s.fail("at = ", at, " leaves nothing for high: x has ", x.size(1), " channels");
    return {slice(x, 1, 0, at), slice(x, 1, at, x.size(1))};
  }
};
LAMINA_LAYER(SplitChannels, "split_channels", "cuts the channels in two")
