#include <lamina/layer.hpp>
#include <stdexcept>
using namespace lamina;

/// Faulty on purpose: every way in which forward can fail.
struct Throws {
  std::string how = "exception";
  PerAxis sizes = 1;

  void declare(Declaration& d) {
    d.optional("how", how, "exception | number | op | sizes", "what goes wrong");
    d.optional("sizes", sizes, "one per axis");
  }
  Tensor forward(Scope&, Tensor x) const {
    if (how == "exception") throw std::runtime_error("the moon is in the wrong phase");
    if (how == "number") throw 42;
    if (how == "sizes") return reshape(x, sizes.at(x.rank()));
    return record("sigmiod", {x});
  }
};
LAMINA_LAYER(Throws, "throws", "fails in forward")
