#include <lamina/transform.hpp>
using namespace lamina;

struct PadCrop {
  PerAxis padding = 4;

  void declare(Declaration& d) {
    d.formula(
        "y[n, c, p] = x[n, c, p + r[n]], and 0 where that lies outside of x, r[n] drawn from −padding … padding per axis, in training\n"
        "y = x in evaluation");
    d.details(
        "The same as cutting a window of x's size out of x with zeros around it: each sample is shifted for itself, each shift is as "
        "likely, anew in every step. After a normalisation, 0 is the mean; before it, black.");
    d.source("He, Zhang, Ren & Sun, CVPR 2016, section 4.2; Lee et al., AISTATS 2015");
    d.optional("padding", padding, "[0, 4096]", "zeros on both sides of each spatial axis, which is the largest shift");
    d.input("x", "[batch, channels, …]");
    d.result("y", "as x, in its type");
    d.example(R"({"padding": [1, 2]})", "[[4, 3, 5, 6]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    const Shape shape = x.shape(), most = padding.at(std::max(0, x.rank() - 2));
    if (most.empty()) s.fail("wanted [batch, channels, …] with at least one spatial axis, got the shape ", shape);
    if (element_count(shape) > INT32_MAX) s.fail("the shape ", shape, " has more elements than 31 bits can count");
    if (!s.training() || most == Shape(most.size(), 0)) return x;
    Tensor place = 0, inside;  // in the flattened x: where each element of y comes from
    int64_t stride = 1;
    for (int axis = x.rank() - 1; axis >= 0; --axis) {
      Tensor at = positions(s, x, axis);
      if (const int64_t shift = axis < 2 ? 0 : most[size_t(axis - 2)]) {
        at = at + (random_below(s, one_per_sample(x), 2 * shift + 1, axis) - shift);
        const Tensor here = logical_and(at >= 0, at < shape[size_t(axis)]);
        inside = inside ? logical_and(inside, here) : here;
      }
      place = place + at * stride;
      stride *= shape[size_t(axis)];
    }
    return gather(reshape(x, {stride}), select(inside, place, -1), 0);  // what is gathered from outside is 0
  }
};
LAMINA_TRANSFORM(PadCrop, "pad_crop", "shifts samples at random while training, zeros come in")
