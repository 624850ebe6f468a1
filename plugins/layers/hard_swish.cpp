#include <lamina/layer.hpp>
using namespace lamina;

struct HardSwish {
  void declare(Declaration& d) {
    d.formula("y = x · min(max(x + 3, 0), 6) / 6");
    d.details("`swish` in straight lines. Its derivative at −3 is −1/2, and 3/2 at 3.");
    d.source("Howard, Sandler, Chu et al., ICCV 2019, section 5.2");
    d.example("{}", "[[3, 5]]");
  }

  Tensor forward(Scope&, Tensor x) const { return x * minimum(maximum(x + 3, 0.0), 6.0) / 6; }
};
LAMINA_LAYER(HardSwish, "hard_swish", "swish in straight lines")
