#include <lamina/axes.hpp>
#include <lamina/layer.hpp>
using namespace lamina;

struct Slice {
  Shape axes = {1};
  std::optional<PerAxis> begin, end;
  PerAxis step = 1;

  void declare(Declaration& d) {
    d.formula("y[…, i, …] = x[…, begin + step · i, …]");
    d.details(
        "As in NumPy and ONNX: begin and end below 0 count from behind, and what lies outside of the axis is moved to its end. A "
        "negative step walks backwards, from the last place unless begin says otherwise. No place left is refused.");
    d.optional("axes", axes, "[-8, 7]", "axes to cut; negative ones count from the last, 1 is the channels");
    d.optional("begin", begin, "(-inf, inf)", "first place along each of the axes; absent: where the axis begins");
    d.optional("end", end, "(-inf, inf)", "place along each of the axes before which it ends; absent: it runs through");
    d.optional("step", step, "(-inf, inf)", "distance of the places along each of the axes, not 0");
    d.input("x", "any shape");
    d.result("y", "as x, but for the axes that are cut");
    d.example(R"({"axes": [1, -1], "begin": [1, -2], "end": [4, 0], "step": [2, -1]})", "[[2, 5, 6]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    const Shape shape = x.shape(), named = axes_of(x, axes, "axes"), steps = step.at(int64_t(named.size()));
    Shape from(shape.size(), 0), to = shape, stride(shape.size(), 1), backwards;
    for (size_t i = 0; i < named.size(); ++i) {
      const int64_t axis = named[i], size = shape[axis], by = steps[i], least = by < 0 ? -1 : 0;
      if (by == 0 || by == INT64_MIN) s.fail("step = ", by, " leads nowhere");
      const auto place = [&](const std::optional<PerAxis>& given, int64_t otherwise) {
        if (!given) return otherwise;
        const int64_t at = given->at(int64_t(named.size()))[i];
        return std::clamp(at < 0 ? at + size : at, least, size + least);
      };
      int64_t first = place(begin, by < 0 ? size - 1 : 0), last = place(end, by < 0 ? -1 : size);
      if (by < 0) first = size - 1 - first, last = size - 1 - last, backwards.push_back(axis);  // as seen from behind
      if (first >= last) s.fail("begin, end and step leave nothing of axis ", axis, " of ", shape);
      from[axis] = first, to[axis] = last, stride[axis] = by < 0 ? -by : by;
    }
    if (!backwards.empty()) x = reverse(x, backwards);
    return record("slice", {x}, {{"begin", from}, {"end", to}, {"stride", stride}});
  }
};
LAMINA_LAYER(Slice, "slice", "a part of each sample, or of the batch")
