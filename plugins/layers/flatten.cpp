#include <lamina/layer.hpp>
using namespace lamina;

/// All axes but the batch become one, in row-major order.  x [batch, …]; y [batch, features], features = ∏ of the rest.
struct Flatten {
  void declare(Declaration& d) {
    d.input("x", "[batch, …]");
    d.result("y", "[batch, features]");
    d.example("{}", "[[2, 3, 4, 5]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    if (x.rank() < 1) s.fail("wanted [batch, …], got a single number");
    Shape sample = x.shape();
    sample.erase(sample.begin());
    return reshape(x, {x.size(0), element_count(sample)});
  }
};
LAMINA_LAYER(Flatten, "flatten", "one axis of features per sample")
