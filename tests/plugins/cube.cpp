#include <lamina/kernel.hpp>
#include <lamina/layer.hpp>
using namespace lamina;

/// dx = 3 c x² dy.
struct CubeGradient {
  static constexpr const char* name = "cube_gradient";
  static constexpr int inputs = 2, results = 1;
  template <class T>
  static void cpu(const Work<T>& k) {
    for (int64_t i = k.begin; i < k.end; ++i) k.out(0)[i] = 3 * k.constant(0) * k.in(0)[i] * k.in(0)[i] * k.in(1)[i];
  }
};
/// y = c x³, whose gradient is a kernel too.
struct CubeKernel {
  static constexpr const char* name = "cube";
  static constexpr int inputs = 1, results = 1;
  template <class T>
  static void cpu(const Work<T>& k) {
    for (int64_t i = k.begin; i < k.end; ++i) k.out(0)[i] = k.constant(0) * k.in(0)[i] * k.in(0)[i] * k.in(0)[i];
  }
  static Tensors gradient(Scope& s, const Tensors& x, const Tensors&, const Tensors& dy, const double* c) {
    return run<CubeGradient>(s, {x[0], dy[0]}, {x[0].shape()}, element_count(x[0].shape()), {c[0]});
  }
};
/// Its body is for GPUs alone.
struct CubeShader {
  static constexpr const char* name = "cube_shader";
  static constexpr int inputs = 1, results = 1;
  static constexpr const char* glsl = "void item(uint i) { float x = in0(i); out0(i, c0 * x * x * x); }";
  static Tensors gradient(Scope&, const Tensors& x, const Tensors&, const Tensors& dy, const double* c) {
    return {3 * c[0] * x[0] * x[0] * dy[0]};
  }
};

/// y = c x³, element by element, in several ways, of which "rough" has no gradient.  x, y: any shape.
struct Cube {
  double factor = 1;
  std::string by = "kernel";

  void declare(Declaration& d) {
    d.optional("factor", factor, "c");
    d.optional("by", by, "kernel | algebra | shader | rough", "what computes it");
  }
  Tensor forward(Scope& s, Tensor x) const {
    if (by == "algebra") return factor * x * x * x;
    if (by == "shader") return run<CubeShader>(s, {x}, {x.shape()}, element_count(x.shape()), {factor})[0];
    if (by == "rough") return run<CubeGradient>(s, {x, x / 3}, {x.shape()}, element_count(x.shape()), {factor})[0];
    return run<CubeKernel>(s, {x}, {x.shape()}, element_count(x.shape()), {factor})[0];
  }
};
LAMINA_LAYER(Cube, "cube", "c x³ by a kernel, by algebra, or by a kernel for GPUs alone")
