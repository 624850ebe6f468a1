#include <lamina/layer.hpp>
using namespace lamina;

struct ConvTranspose {
  int64_t filters = 0, groups = 1;
  PerAxis kernel, stride = 1, output_padding = 0, dilation = 1;
  Padding padding;
  std::optional<PerAxis> shape;
  bool bias = true;

  void declare(Declaration& d) {
    d.formula("y[n, f, stride · p + dilation · k − padding] = bias[f] + Σ_{c, p, k} x[n, c, p] · weight[c, f, k]");
    d.details(
        "The gradient of a `conv` with these settings by its input; so it undoes the conv's change of shape. weight [channels, filters / "
        "groups, kernel…] starts from `he` on fan_in = channels / groups · ∏ kernel / ∏ stride, the elements that meet in one of y; bias "
        "[filters] starts at 0. Each spatial axis of y has (size of x − 1) · stride + dilation · (kernel − 1) + 1 + output_padding − "
        "padding on both sides places, with padding \"same\" stride times those of x; or as many as `shape` says, which must be "
        "one of the sizes that the conv brings to x's.");
    d.source("Zeiler, Krishnan, Taylor & Fergus, CVPR 2010; Dumoulin & Visin 2016, arXiv 1603.07285, section 4");
    d.required("filters", filters, "[1, 1048576]", "number of filters, the channels of y");
    d.required("kernel", kernel, "[1, 65536]", "size of the kernel along each spatial axis");
    d.optional("stride", stride, "[1, 65536]", "distance in y of neighbouring places of x");
    d.optional("padding", padding, "[0, 65536]", "places taken away around y");
    d.optional("output_padding", output_padding, "[0, 65536]",
               "places more at the end of each spatial axis; fewer than stride or dilation");
    d.optional("dilation", dilation, "[1, 65536]", "distance of neighbouring kernel elements");
    d.optional("groups", groups, "[1, 1048576]", "parts that channels and filters are cut into");
    d.optional("shape", shape, "[1, 1073741824]", "places of y along each spatial axis, instead of output_padding");
    d.optional("bias", bias, "whether a number per filter is added");
    d.input("x", "[batch, channels, (depth, height,) width]");
    d.result("y", "[batch, filters, (depth, height,) width]");
    d.example(R"({"filters": 4, "kernel": 3, "stride": 2, "padding": 1, "output_padding": 1, "groups": 2})", "[[2, 4, 3, 4]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    const Shape in = spatial(x);
    const int64_t axes = int64_t(in.size()), channels = x.size(1);
    if (channels % groups || filters % groups)
      s.fail("groups = ", groups, " must divide both the ", channels, " channels and the ", filters, " filters");
    const Shape size = kernel.at(axes), step = stride.at(axes), apart = dilation.at(axes), more = output_padding.at(axes);
    const bool same = padding.is_same(), given = more != Shape(in.size(), 0);
    if (given && (same || shape)) s.fail("output_padding = ", more, " goes with padding in numbers and without shape");

    Shape to = shape ? shape->at(axes) : in;
    for (size_t a = 0; a < in.size() && same && !shape; ++a) to[a] *= step[a];
    const auto [low, high] = padding.at(to, size, step, apart);
    for (size_t a = 0; a < in.size(); ++a) {
      const int64_t least = (in[a] - 1) * step[a] + (size[a] - 1) * apart[a] + 1 - low[a] - high[a];
      if (more[a] >= std::max(step[a], apart[a]))
        s.fail("output_padding = ", more, " must be smaller than stride or dilation, which are ", step, " and ", apart);
      if (!same && !shape) to[a] = least + more[a];
      if (!same && shape && (to[a] < least || to[a] >= least + step[a]))
        s.fail("shape = ", to, " cannot be: spatial axis ", a, " has ", least, " to ", least + step[a] - 1, " places");
      if (to[a] < 1) s.fail("padding ", low[a], " + ", high[a], " leaves nothing of spatial axis ", a, " of size ", in[a]);
    }
    Shape shape_of_weight = {channels, filters / groups}, shape_of_y = {x.size(0), filters};
    shape_of_weight.insert(shape_of_weight.end(), size.begin(), size.end()), shape_of_y.insert(shape_of_y.end(), to.begin(), to.end());
    const int64_t meet = channels / groups * element_count(size) / element_count(step), fan_out = element_count(shape_of_weight) / channels;
    const Tensor weight = s.parameter("weight", shape_of_weight, {"he", std::max<int64_t>(1, meet), fan_out});
    const Tensor y = record(
        "conv_backward_data", {x, weight},
        {{"stride", step}, {"padding_low", low}, {"padding_high", high}, {"dilation", apart}, {"groups", groups}, {"shape", shape_of_y}});
    return bias ? y + per_channel(s.parameter("bias", {filters}, 0.0), y) : y;
  }
};
LAMINA_LAYER(ConvTranspose, "conv_transpose", "transposed convolution, which makes its input larger")
