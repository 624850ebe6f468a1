#include <lamina/transform.hpp>
using namespace lamina;

struct Resize {
  PerAxis size;

  void declare(Declaration& d) {
    d.formula(
        "along each spatial axis, from n to m places, q = (p + ½) · n / m − ½, kept within [0, n − 1]:\n"
        "y[p] = (1 − f) · x[⌊q⌋] + f · x[min(⌊q⌋ + 1, n − 1)], f = q − ⌊q⌋");
    d.details(
        "PyTorch's interpolate in mode linear, bilinear or trilinear with align_corners=false and antialias=false: where a picture "
        "becomes much smaller, places between are skipped. In the type of x; of whole numbers, f and what is made along an axis are "
        "rounded to 1/256 and the result to the nearest, a half up.");
    d.required("size", size, "[1, 65536]", "places of the result along each spatial axis");
    d.input("x", "[batch, channels, …]");
    d.result("y", "[batch, channels, …]");
    d.example(R"({"size": [7, 3]})", "[[2, 3, 4, 5]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    const Shape to = size.at(std::max(0, x.rank() - 2));
    if (to.empty()) s.fail("wanted [batch, channels, …] with at least one spatial axis, got the shape ", x.shape());
    // Steps of 1/256 make the sums of uint8 exact in float32, so that every backend rounds the same numbers.
    const auto stepped = [&](const Tensor& v) { return x.is_real() ? v : floor(v * 256 + 0.5) * (1.0 / 256); };
    Tensor y = x;
    for (int axis = 2; axis < x.rank(); ++axis) {
      const int64_t from = x.size(axis), places = to[size_t(axis - 2)];
      if (from == places) continue;
      Shape along(x.rank(), 1);
      along[size_t(axis)] = places;
      const Tensor p = s.emit("iota", {}, {{"shape", along}, {"axis", axis}})[0];
      const Tensor q = minimum(maximum((p + 0.5) * (double(from) / double(places)) - 0.5, 0), double(from - 1));
      const Tensor below = floor(q), index = reshape(cast(below, DType::int32), {places});
      const Tensor low = to_real(gather(y, index, axis)), high = to_real(gather(y, minimum(index + 1, from - 1), axis));
      y = stepped(low + (high - low) * stepped(q - below));
    }
    return y.dtype() == x.dtype() ? y : as_stored(y, x);
  }
};
LAMINA_TRANSFORM(Resize, "resize", "pictures of another size, bilinear")
