#include <lamina/layer.hpp>
using namespace lamina;

struct Parameter {
  Shape shape;

  void declare(Declaration& d) {
    d.formula("y = value");
    d.details(
        "value has the given shape and starts from `normal` (mean 0, deviation 0.01) unless the layer's \"initializer\" names "
        "another. It has no input: a source of the network, for example a picture that is itself trained.");
    d.required("shape", shape, "[1, inf)", "shape of the tensor; [] is a single number");
    d.result("y", "as `shape` says");
    d.example(R"({"shape": [2, 3]})", "[]");
  }
  Tensor forward(Scope& s) const { return s.parameter("value", shape, {"normal", 0, 0}); }
};
LAMINA_LAYER(Parameter, "parameter", "a learned tensor without input")
