#include <lamina/layer.hpp>
using namespace lamina;

/// Faulty on purpose: two results are declared, one comes.
struct FewResults {
  void declare(Declaration& d) {
    d.result("y", "as x");
    d.result("z", "as x");
  }
  Tensors forward(Scope&, Tensor x) const { return {x}; }
};
LAMINA_LAYER(FewResults, "few_results", "declares more results than it gives")
