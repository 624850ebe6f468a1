#include <lamina/layer.hpp>
using namespace lamina;

struct HardSigmoid {
  void declare(Declaration& d) {
    d.formula("y = min(max(x + 3, 0), 6) / 6");
    d.details("`sigmoid` in straight lines. Its derivative at −3 and at 3 is 0.");
    d.source("Howard, Sandler, Chu et al., ICCV 2019, section 5.2");
    d.example("{}", "[[3, 5]]");
  }

  Tensor forward(Scope&, Tensor x) const { return minimum(6.0, relu(x + 3)) / 6; }  // a tie is the constant's
};
LAMINA_LAYER(HardSigmoid, "hard_sigmoid", "sigmoid in straight lines")
