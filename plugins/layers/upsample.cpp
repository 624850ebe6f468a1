#include <lamina/layer.hpp>
using namespace lamina;

struct Upsample {
  std::optional<PerAxis> factor, size;
  std::string mode = "nearest";
  bool align_corners = false;

  void declare(Declaration& d) {
    d.formula(
        "nearest: y[…, i, …] = x[…, ⌊i · n / m⌋, …], n and m the sizes of x and y\n"
        "linear: y[…, i, …] between x's two places around p = max(0, (i + ½) · n / m − ½), or p = i · (n − 1) / (m − 1)");
    d.details(
        "Axis by axis, so linear over two axes is what is called bilinear. The places are worked out in whole numbers, so they are "
        "exact in every precision. `size` may be smaller than x; nothing is smoothed then.");
    d.optional("factor", factor, "[1, 65536]", "times that each spatial axis becomes longer; either this or size");
    d.optional("size", size, "[1, 65536]", "size of each spatial axis of y; either this or factor");
    d.optional("mode", mode, "nearest | linear", "the nearest element, or a mean of the two around");
    d.optional("align_corners", align_corners, "linear: whether first and last elements of x and y meet, else the borders of both do");
    d.input("x", "[batch, channels, (depth, height,) width]");
    d.result("y", "[batch, channels, (depth, height,) width]");
    d.example(R"({"factor": [2, 3], "mode": "linear"})", "[[2, 3, 4, 3]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    const int axes = int(spatial(x).size());
    if (bool(factor) == bool(size)) s.fail(factor ? "both factor and size are given" : "neither factor nor size is given", "; wanted one");
    if (align_corners && mode == "nearest") s.fail("align_corners is for the mode linear");
    const Shape to = (factor ? factor : size)->at(axes);
    if (factor && mode == "nearest") return repeated(x, to);
    for (int i = 0; i < axes; ++i) x = along(s, x, i + 2, factor ? x.size(i + 2) * to[i] : to[i]);
    return x;
  }

 private:
  /// Every place `times` over: as its own axes these broadcast, which is quicker than looking places up.
  static Tensor repeated(const Tensor& x, const Shape& times) {
    const Shape from = x.shape();
    Shape apart = {from[0], from[1]}, wide = apart, to = apart;
    for (size_t i = 0; i < times.size(); ++i) {
      const int64_t n = from[i + 2];
      apart.insert(apart.end(), {n, 1}), wide.insert(wide.end(), {n, times[i]}), to.push_back(n * times[i]);
    }
    return reshape(broadcast(reshape(x, apart), wide), to);
  }
  /// x with axis `axis` of size m.
  Tensor along(Scope& s, const Tensor& x, int axis, int64_t m) const {
    const int64_t n = x.size(axis);
    if (n == m) return x;
    if (n > INT32_MAX / (2 * m + 1)) s.fail("from ", n, " to ", m, " places is more than is counted in 32 bits");
    const Tensor i = s.emit("iota", {}, {{"shape", Shape{m}}, {"axis", 0}, {"dtype", DType::int32}})[0];
    if (mode == "nearest") return gather(x, i * n / m, axis);
    const int64_t whole = align_corners ? std::max<int64_t>(m - 1, 1) : 2 * m;  // p is up / whole
    const Tensor up = align_corners ? i * (n - 1) : maximum((i * 2 + 1) * n - m, 0), below = up / whole;
    Shape shape(x.rank(), 1);
    shape[axis] = m;
    const Tensor part = reshape(to_real(up - below * whole) / double(whole), shape);
    return gather(x, below, axis) * (1 - part) + gather(x, minimum(below + 1, n - 1), axis) * part;
  }
};
LAMINA_LAYER(Upsample, "upsample", "more places along the spatial axes, by the nearest or a mean")
