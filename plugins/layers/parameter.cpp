#include <lamina/layer.hpp>
using namespace lamina;

/// A learned tensor as a source: y = value.  No input; value, y: `shape`.
/// Starts from `normal` (mean 0, deviation 0.01) unless the experiment names another initializer for "value".
struct Parameter {
  Shape shape;

  void declare(Declaration& d) {
    d.required("shape", shape, "[1, inf)", "shape of the tensor; [] is a single number");
    d.result("y", "as `shape` says");
    d.example(R"({"shape": [2, 3]})", "[]");
  }
  Tensor forward(Scope& s) const { return s.parameter("value", shape, {"normal", 0, 0}); }
};
LAMINA_LAYER(Parameter, "parameter", "a learned tensor without input")
