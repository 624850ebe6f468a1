#include <lamina/layer.hpp>
using namespace lamina;

struct Dense {
  int64_t units = 0;
  bool bias = true;

  void declare(Declaration& d) {
    d.formula("y = x · weightᵀ + bias");
    d.details(
        "weight [units, features] starts from `he` on fan_in = features, because most nets rectify; bias [units] starts at 0. "
        "An x with more axes is refused: put a `flatten` before it.");
    d.source("Rosenblatt, Psychological Review 65 (1958)");
    d.required("units", units, "[1, 1073741824]", "number of results per sample");
    d.optional("bias", bias, "whether a number per unit is added");
    d.input("x", "[batch, features]");
    d.result("y", "[batch, units]");
    d.example(R"({"units": 3})", "[[5, 7]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    if (x.rank() != 2) s.fail("wanted [batch, features], got the shape ", x.shape(), "; put a flatten before it");
    const int64_t features = x.size(1);
    const Tensor weight = s.parameter("weight", {units, features}, {"he", features, units});
    const Tensor y = matmul(x, weight, false, true);
    return bias ? y + s.parameter("bias", {units}, 0.0) : y;
  }
};
LAMINA_LAYER(Dense, "dense", "every result is a weighted sum of all features")
