#include <lamina/transform.hpp>
using namespace lamina;

struct Flip {
  int64_t axis = -1;
  double probability = 0.5;

  void declare(Declaration& d) {
    d.formula(
        "y = x backwards along `axis` with probability p, else x, in training\n"
        "y = x in evaluation");
    d.details("Drawn for each sample, anew in every step. A flip of both axes of a picture is two transforms.");
    d.source("as in Krizhevsky, Sutskever & Hinton, NIPS 2012, section 4.1: horizontal reflections");
    d.optional("axis", axis, "[-7, 7]",
               "axis that is reversed, not that of the batch (0); -1: the last, so pictures are mirrored left to right");
    d.optional("probability", probability, "[0, 1]", "p, of each sample");
    d.input("x", "[batch, …]");
    d.result("y", "as x, in its type");
    d.example(R"({"axis": 2, "probability": 0.4})", "[[6, 2, 3, 4]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    const int64_t along = int64_t(axis_of(x.shape(), int(axis)));
    if (along == 0) s.fail("\"axis\" = ", axis, " of the shape ", x.shape(), " is that of the batch; wanted an axis of a sample");
    if (!s.training() || probability == 0) return x;
    return select(s.random_uniform(one_per_sample(x)) < probability, reverse(x, {along}), x);
  }
};
LAMINA_TRANSFORM(Flip, "flip", "mirrors samples at random while training")
