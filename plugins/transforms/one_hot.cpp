#include <lamina/transform.hpp>
using namespace lamina;

struct OneHot {
  int64_t classes = 0;

  void declare(Declaration& d) {
    d.formula("y[n, c, …] = 1 where x[n, …] = c, else 0");
    d.details("In the program's real type. A number that names no class gives zeros, as in ONNX.");
    d.required("classes", classes, "[1, 16777216]", "how many classes there are");
    d.input("x", "[batch, …], class numbers");
    d.result("y", "[batch, classes, …]");
    d.example(R"({"classes": 5})", "[[4, 3]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    Shape one = x.shape(), all = one;
    if (one.empty() || one.size() == LAMINA_MAX_RANK) s.fail("wanted [batch, …] with room for the axis of the classes, got ", one);
    one.insert(one.begin() + 1, 1), all.insert(all.begin() + 1, classes);
    const Tensor number = s.emit("iota", {}, {{"shape", all}, {"axis", 1}})[0];
    return to_real(equal(reshape(to_real(x), one), number));
  }
};
LAMINA_TRANSFORM(OneHot, "one_hot", "class numbers as vectors of 0 and 1")
