#include <lamina/layer.hpp>
using namespace lamina;

struct Flatten {
  void declare(Declaration& d) {
    d.formula("y[n, f] = x[n, …], f counting the other axes in row-major order");
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
