#include <lamina/kernel.hpp>
#include <lamina/windows.hpp>

#include "median_pool.glsl.hpp"
using namespace lamina;

/// y [batch, channels, …]: the median of each window of x; place, of the same shape: where in its channel's volume it was found.
/// Constants: size, stride and padding of the window along depth, height and width; axes that x lacks have size 1.
/// A window is looked through for its median without being sorted or copied: an element that too many are smaller than becomes an upper
/// bound, one that too few are smaller than a lower one, and only what lies between is looked at.
struct MedianKernel {
  static constexpr const char* name = "median_pool";
  static constexpr int inputs = 1, results = 2;
  static constexpr const char* glsl = median_pool_glsl;

  template <class T>
  static void cpu(const Work<T>& k) {
    int64_t extent[3], places[3], size[3], stride[3], padding[3];
    for (int a = 0; a < 3; ++a) {
      const int axis = int(k.in_shape(0).size()) - 3 + a;
      extent[a] = axis < 2 ? 1 : k.in_shape(0)[axis], places[a] = axis < 2 ? 1 : k.out_shape(0)[axis];
      size[a] = int64_t(k.constant(a)), stride[a] = int64_t(k.constant(3 + a)), padding[a] = int64_t(k.constant(6 + a));
    }
    for (int64_t i = k.begin; i < k.end; ++i) {
      int64_t begin[3], end[3], rest = i, count = 1;
      for (int a = 2; a >= 0; --a) {
        const int64_t start = rest % places[a] * stride[a] - padding[a];
        rest /= places[a];
        begin[a] = std::max<int64_t>(start, 0), end[a] = std::min(start + size[a], extent[a]);
        count *= end[a] - begin[a];
      }
      const T* x = k.in(0) + rest * extent[0] * extent[1] * extent[2];
      // Calls f(place) in order until it returns true.
      const auto until = [&](auto f) {
        for (int64_t d = begin[0]; d < end[0]; ++d)
          for (int64_t h = begin[1]; h < end[1]; ++h)
            for (int64_t w = begin[2], row = (d * extent[1] + h) * extent[2]; w < end[2]; ++w)
              if (f(row + w)) return;
      };
      const auto found = [&](int64_t place) { k.out(0)[i] = x[place], k.out(1)[i] = T(place); };
      const T *low = nullptr, *high = nullptr;  // the median lies between, once they are known
      until([&](int64_t place) {
        const T v = x[place];
        if ((low && v <= *low) || (high && v >= *high)) return false;
        int64_t less = 0, equal = 0, nan = -1;
        until([&](int64_t other) {
          if (x[other] != x[other]) nan = other;
          less += x[other] < v, equal += x[other] == v;
          return nan >= 0;
        });
        const int64_t middle = (count - 1) / 2;
        if (nan >= 0) return found(nan), true;
        if (less > middle) return high = x + place, false;
        if (less + equal <= middle) return low = x + place, false;
        return found(place), true;
      });
    }
  }
  static Tensors gradient(Scope&, const Tensors& x, const Tensors& y, const Tensors& dy, const double*) {
    return {dy[0] ? record("max_unpool", {dy[0], cast(y[1], DType::int32)}, {{"shape", x[0].shape()}}) : Tensor()};
  }
};

struct MedianPool : Pool {
  void declare(Declaration& d) {
    d.formula("y[n, c, p] = median_k x[n, c, stride · p + k − padding]");
    d.details(
        "Of an even number of elements it is the lower of the two in the middle, so it always is an element of x: the first in "
        "the window that has this value, which gets the gradient. Padding never counts; a NaN in the window gives NaN. Each "
        "spatial axis of y has ⌊(size of x + padding on both sides − size) / stride⌋ + 1 places, with ceil one more where the last window "
        "reaches beyond. With m elements in the window, an "
        "element of y takes about 2 m ln m comparisons in random order, m² / 2 where the window is sorted. Refused: a window "
        "that does not fit; more than 2²⁴ elements in a channel, as places are kept as float32.");
    d.source(
        "Tukey, Exploratory Data Analysis (1977), chapter 7; of pictures, Huang, Yang & Tang, IEEE Trans. ASSP 27 (1979) "
        "13–18; selection by bounds, Hoare, CACM 4 (1961) 321");
    Pool::declare(d, "places added around x, which never count");
    d.example(R"({"size": 3, "stride": 2, "padding": 1})", "[[2, 3, 6, 7]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    const Windows w = windows(x);
    const size_t axes = w.size.size();
    Shape y = x.shape();
    std::vector<double> constants(9, 1);
    std::fill(constants.begin() + 6, constants.end(), 0);
    int64_t volume = 1, most = 1 << 24;
    for (size_t a = 0; a < axes; ++a) {
      const int64_t extent = x.size(int(2 + a));
      if (extent > most / volume) s.fail("a channel may have 2²⁴ elements; the shape ", x.shape(), " has more");
      volume *= extent, y[2 + a] = w.places[a];
      const size_t at = 3 - axes + a;
      constants[at] = double(w.size[a]), constants[3 + at] = double(w.stride[a]), constants[6 + at] = double(w.low[a]);
    }
    return run<MedianKernel>(s, {x}, {y, y}, element_count(y), constants)[0];
  }
};
LAMINA_LAYER(MedianPool, "median_pool", "median of each window, by a kernel of its own")
