#include <lamina/axes.hpp>
#include <lamina/layer.hpp>
using namespace lamina;

struct Split {
  Shape sizes;
  std::optional<int64_t> parts;
  int64_t axis = 1;

  void declare(Declaration& d) {
    d.formula("part_0, part_1, … are the elements of x along the axis, in their order");
    d.details(
        "At most 64 parts. Other layers read the parts of a layer s as \"s.part_0\", \"s.part_1\", … Sizes that do not add up to the "
        "axis are refused, and so is a number of parts that does not divide it.");
    d.optional("sizes", sizes, "[1, 1099511627776]", "length of each part along the axis; either this or parts");
    d.optional("parts", parts, "[1, 64]", "number of parts, all of one length; either this or sizes");
    d.optional("axis", axis, "[-8, 7]", "axis that is cut; negative ones count from the last, 1 is the channels");
    d.input("x", "any shape");
    d.result_list("part", "as x, the axis as long as its part");
    d.example(R"({"sizes": [2, 1, 3]})", "[[2, 6, 4]]");
  }
  Tensors forward(Scope& s, Tensor x) const {
    const int along = axis_of(x, axis, "axis");
    const int64_t size = x.size(along);
    if (sizes.empty() == !parts) s.fail(parts ? "both sizes and parts are given" : "neither sizes nor parts is given", "; wanted one");
    if (parts && size % *parts)
      throw Error(describe("axis ", axis, " of ", x.shape(), " cannot be cut into ", *parts, " parts of one length"), "parts");
    const Shape lengths = parts ? Shape(size_t(*parts), size / *parts) : sizes;
    return parts_of(x, along, lengths);
  }
};
LAMINA_LAYER(Split, "split", "cuts its input into parts along an axis")
