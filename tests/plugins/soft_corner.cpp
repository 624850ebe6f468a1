#include <lamina/kernel.hpp>
#include <lamina/layer.hpp>
using namespace lamina;

/// y = x / (c + |x|), element by element.
struct SoftCornerKernel {
  static constexpr const char* name = "soft_corner";
  static constexpr int inputs = 1, results = 1;
  template <class T>
  static void cpu(const Work<T>& k) {
    for (int64_t i = k.begin; i < k.end; ++i) k.out(0)[i] = k.in(0)[i] / (k.constant(0) + std::abs(k.in(0)[i]));
  }
  static constexpr const char* glsl = "void item(uint i) { float x = in0(i); out0(i, x / (c0 + abs(x))); }";
  static Tensors gradient(Scope&, const Tensors& x, const Tensors&, const Tensors& dy, const double* c) {
    return {dy[0] * c[0] / square(c[0] + abs(x[0]))};
  }
};

/// Softsign with a soft corner c, by a kernel of its own.  x, y: any shape.
struct SoftCorner {
  double corner = 1;

  void declare(Declaration& d) {
    d.optional("corner", corner, "(0, inf)", "where |y| is one half");
    d.example(R"({"corner": 0.5})", "[[3, 5]]");
  }
  Tensor forward(Scope& s, Tensor x) const { return run<SoftCornerKernel>(s, {x}, {x.shape()}, element_count(x.shape()), {corner})[0]; }
};
LAMINA_LAYER(SoftCorner, "soft_corner", "x / (c + |x|) by a kernel of its own")
