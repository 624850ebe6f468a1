#include <lamina/axes.hpp>
#include <lamina/layer.hpp>
using namespace lamina;

struct Pad {
  PerAxis low = 0, high = 0;
  std::optional<Shape> axes;
  std::string mode = "constant";
  double value = 0;

  void declare(Declaration& d) {
    d.formula("y = x with low places before and high places behind it along each of the axes");
    d.details(
        "What the new places hold: `value` everywhere; or x mirrored at its border element, which is not repeated; or the border "
        "element. Channels can be padded too: that widens the shortcut of a residual net without weights.");
    d.optional("low", low, "[0, 65536]", "places before the first of each of the axes");
    d.optional("high", high, "[0, 65536]", "places behind the last of each of the axes");
    d.optional("axes", axes, "[-8, 7]",
               "axes that are padded; negative ones count from the last; absent: the spatial ones, from axis 2 on");
    d.optional("mode", mode, "constant | reflect | edge", "what the new places hold");
    d.optional("value", value, "(-inf, inf)", "what they hold in the mode constant");
    d.input("x", "any shape");
    d.result("y", "as x, the padded axes longer");
    d.example(R"({"low": [1, 0], "high": 2, "value": 0.5})", "[[2, 3, 4, 5]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    if (mode != "constant" && value != 0) s.fail("value = ", value, " is for the mode constant; the mode is ", mode);
    Shape padded = all_axes(x), before(padded.size(), 0), behind = before;
    if (axes)
      padded = axes_of(x, *axes, "axes");
    else if (padded.size() > 2)
      padded.erase(padded.begin(), padded.begin() + 2);
    else
      s.fail("the shape ", x.shape(), " has no spatial axes, [batch, channels, …]; name the axes to pad");
    const Shape l = low.at(int64_t(padded.size())), h = high.at(int64_t(padded.size()));
    for (size_t i = 0; i < padded.size(); ++i) before[padded[i]] = l[i], behind[padded[i]] = h[i];
    return record("pad", {x}, {{"low", before}, {"high", behind}, {"mode", mode}, {"value", value}});
  }
};
LAMINA_LAYER(Pad, "pad", "places around x: a constant, its mirror image or its border")
