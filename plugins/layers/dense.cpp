#include <lamina/layer.hpp>
using namespace lamina;

/// Dense (fully connected): y = x · weightᵀ + bias.
/// x [batch, features]; weight [units, features]; bias [units]; y [batch, units].
/// Starts from `he` on fan_in = features, because most nets rectify; bias starts at 0.
struct Dense {
  int64_t units = 0;
  bool bias = true;

  void declare(Declaration& d) {
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
