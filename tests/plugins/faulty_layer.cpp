// Layers with one fault each, for `lamina plugins check` to find. The build says which one a library holds: FAULT is the struct, NAME its
// name.
#include <lamina/kernel.hpp>
#include <lamina/layer.hpp>
using namespace lamina;

namespace {

/// The square of x, by a kernel that is right in all but what a fault changes.
struct Square {
  static constexpr const char* name = "square";
  static constexpr int inputs = 1, results = 1;
  template <class T>
  static void cpu(const Work<T>& k) {
    for (int64_t i = k.begin; i < k.end; ++i) k.out(0)[i] = k.in(0)[i] * k.in(0)[i];
  }
  static constexpr const char* glsl = "void item(uint i) { out0(i, in0(i) * in0(i)); }";
  static Tensors gradient(Scope&, const Tensors& x, const Tensors&, const Tensors& dy, const double*) { return {2 * x[0] * dy[0]}; }
};
struct WrongGradientKernel : Square {
  static Tensors gradient(Scope&, const Tensors& x, const Tensors&, const Tensors& dy, const double*) { return {2.001 * x[0] * dy[0]}; }
};
struct WritesBehindKernel : Square {
  template <class T>
  static void cpu(const Work<T>& k) {
    Square::cpu(k);
    k.out(0)[k.end] = T(1);
  }
};
struct ReadsBeforeKernel : Square {
  template <class T>
  static void cpu(const Work<T>& k) {
    for (int64_t i = k.begin; i < k.end; ++i) k.out(0)[i] = k.in(0)[i] * k.in(0)[i] + 0 * k.in(0)[i - 1];
  }
};
struct ChangesInputKernel : Square {
  template <class T>
  static void cpu(const Work<T>& k) {
    Square::cpu(k);
    if (k.begin < k.end) const_cast<T*>(k.in(0))[k.begin] = T(1);
  }
};
struct LeavesOutKernel : Square {
  template <class T>
  static void cpu(const Work<T>& k) {
    for (int64_t i = k.begin; i < k.end; ++i)
      if (i + 1 < k.call.out_shapes[0].dims[0]) k.out(0)[i] = k.in(0)[i] * k.in(0)[i];
  }
};
struct RemembersKernel : Square {
  template <class T>
  static void cpu(const Work<T>& k) {
    static T last = 0;
    for (int64_t i = k.begin; i < k.end; ++i) k.out(0)[i] = k.in(0)[i] * k.in(0)[i] + last * T(1e-3);
    if (k.begin < k.end) last = k.in(0)[k.begin];
  }
};
struct OtherInFloatKernel : Square {
  template <class T>
  static void cpu(const Work<T>& k) {
    Square::cpu(k);
    if (sizeof(T) == 4 && k.begin < k.end) k.out(0)[k.begin] += T(0.01);
  }
};
struct OtherOnGpuKernel : Square {
  static constexpr const char* glsl = "void item(uint i) { out0(i, in0(i) * in0(i) * 1.001); }";
};
struct WritesBehindOnGpuKernel : Square {
  static constexpr const char* glsl = "void item(uint i) { out0(i, in0(i) * in0(i)); out0(i + 1, in0(i + 1) * in0(i + 1)); }";
};

template <class Kernel>
struct ByKernel {
  void declare(Declaration& d) { d.example("{}", "[[3, 4]]"); }
  Tensor forward(Scope& s, Tensor x) const { return run<Kernel>(s, {x}, {x.shape()}, element_count(x.shape()))[0]; }
};
using WrongGradient = ByKernel<WrongGradientKernel>;
using WritesBehind = ByKernel<WritesBehindKernel>;
using ReadsBefore = ByKernel<ReadsBeforeKernel>;
using ChangesInput = ByKernel<ChangesInputKernel>;
using LeavesOut = ByKernel<LeavesOutKernel>;
using Remembers = ByKernel<RemembersKernel>;
using OtherInFloat = ByKernel<OtherInFloatKernel>;
using OtherOnGpu = ByKernel<OtherOnGpuKernel>;
using WritesBehindOnGpu = ByKernel<WritesBehindOnGpuKernel>;

/// Multiplies by how often it was called.
struct Counts {
  void declare(Declaration& d) { d.example("{}", "[[3, 4]]"); }
  Tensor forward(Scope&, Tensor x) const {
    static int calls = 0;
    return x * double(++calls);
  }
};
struct DefaultOutside {
  double slope = 2;
  void declare(Declaration& d) {
    d.optional("slope", slope, "[0, 1]", "slope of the line");
    d.example("{\"slope\": 0.5}", "[[3, 4]]");
  }
  Tensor forward(Scope&, Tensor x) const { return x * slope; }
};
/// Its domain begins at 0, where it divides.
struct DividesByZero {
  int64_t parts = 2;
  void declare(Declaration& d) {
    d.optional("parts", parts, "[0, inf)", "number of equal parts");
    d.example("{}", "[[3, 4]]");
  }
  Tensor forward(Scope&, Tensor x) const { return x * double(x.size(-1) / parts); }
};
struct RefusesExample {
  void declare(Declaration& d) { d.example("{}", "[[3, 4]]"); }
  Tensor forward(Scope& s, Tensor x) const {
    if (x.rank() != 3) s.fail("wanted an input [batch, channels, length], got ", x.shape());
    return x * 2;
  }
};
struct RefusesInAWord {
  void declare(Declaration& d) { d.example("{}", "[[3, 4]]"); }
  Tensor forward(Scope& s, Tensor x) const {
    if (x.size(0) == 1) s.fail("bad shape");
    return x * 2;
  }
};
struct LearnsInEvaluation {
  void declare(Declaration& d) { d.example("{}", "[[3, 4]]"); }
  Tensor forward(Scope& s, Tensor x) const {
    State mean = s.state("mean", {});
    mean = 0.9 * mean + 0.1 * lamina::mean(x);
    return x - stop_gradient(mean);
  }
};
struct IdleParameter {
  void declare(Declaration& d) { d.example("{}", "[[3, 4]]"); }
  Tensor forward(Scope& s, Tensor x) const {
    s.parameter("idle", {4}, 1.0);
    return x * s.parameter("scale", {}, 1.0);
  }
};
struct RandomInEvaluation {
  void declare(Declaration& d) { d.example("{}", "[[3, 4]]"); }
  Tensor forward(Scope& s, Tensor x) const { return x * s.random_uniform(x.shape()); }
};
struct HangsOnOneSample {
  void declare(Declaration& d) { d.example("{}", "[[3, 4]]"); }
  Tensor forward(Scope&, Tensor x) const {
    volatile bool wait = x.size(0) == 1;
    while (wait) continue;
    return x * 2;
  }
};
struct OtherCount {
  void declare(Declaration& d) {
    d.result("a", "as x"), d.result("b", "as x");
    d.example("{}", "[[3, 4]]");
  }
  Tensors forward(Scope&, Tensor x) const { return {x, x * 2, x * 3}; }
};

}  // namespace

LAMINA_LAYER(FAULT, NAME, "a layer with one fault, for the checks to find")
