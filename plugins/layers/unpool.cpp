#include <lamina/layer.hpp>
using namespace lamina;

struct Unpool {
  PerAxis size;
  std::optional<PerAxis> stride, shape;
  Padding padding;

  void declare(Declaration& d) {
    d.formula("y[n, c, indices[n, c, p]] = x[n, c, p], and 0 elsewhere");
    d.details(
        "Puts back what `max_pool` took: give it the pool's settings and its result `indices`. Each spatial axis of y has (size of "
        "x − 1) · stride − padding of both sides + size places, or as many as `shape` says. It must say so where the pool left a rest or "
        "has another ceil or dilation than its default, and for the padding \"same\", which many sizes lead to. "
        "Where windows overlapped and two elements go to one place, y is their sum. An index outside of y is skipped.");
    d.source("Zeiler & Fergus, ECCV 2014, section 2.1");
    d.required("size", size, "[1, 65536]", "size of the pool's window along each spatial axis");
    d.optional("stride", stride, "[1, 65536]", "step of the pool's window; absent: its size");
    d.optional("padding", padding, "[0, 65536]", "padding of the pool");
    d.optional("shape", shape, "[1, 1073741824]", "places of y along each spatial axis, where the other settings do not say it");
    d.input("x", "[batch, channels, (depth, height,) width]");
    d.input("indices", "as x: positions in the flattened spatial axes of y");
    d.result("y", "[batch, channels, (depth, height,) width]");
    d.example(R"({"size": 3, "stride": 2, "padding": 1})", "[[2, 3, 4, 3], [2, 3, 4, 3]]");
  }
  Tensor forward(Scope& s, Tensor x, Tensor indices) const {
    const Shape in = spatial(x);
    const int64_t axes = int64_t(in.size());
    const Shape window = size.at(axes), step = stride.value_or(size).at(axes);
    if (!shape && padding.is_same()) throw Error("the padding \"same\" does not say how many places y has; wanted \"shape\"", "padding");
    const auto around = padding.at(in, window, step, Shape(in.size(), 1));
    Shape to = {x.size(0), x.size(1)};
    for (size_t a = 0; a < in.size(); ++a) {
      to.push_back(shape ? shape->at(axes)[a] : (in[a] - 1) * step[a] - around.low[a] - around.high[a] + window[a]);
      if (to.back() < 1)
        s.fail("padding ", around.low[a], " + ", around.high[a], " leaves nothing of spatial axis ", a, " of size ", in[a]);
    }
    return record("max_unpool", {x, cast(indices, DType::int32)}, {{"shape", to}});
  }
};
LAMINA_LAYER(Unpool, "unpool", "elements back to where a max_pool took them")
