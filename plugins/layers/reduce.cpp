#include <lamina/axes.hpp>
#include <lamina/layer.hpp>
#include <limits>
using namespace lamina;

struct Reduce {
  std::string operation;
  std::optional<Shape> axes;
  bool keep_axes = false;

  void declare(Declaration& d) {
    d.formula("y = operation of the elements of x along the axes: Σ x, Σ x / n, max x, min x, ∏ x, Σ |x|, √Σ x², log Σ exp x");
    d.details(
        "max and min: NaN wins, and the first of equals gets the gradient. product: by pairs, so its gradient is right where elements "
        "are 0. norm_l1 and norm_l2 have the derivative 0 where all elements are 0. log_sum_exp does not overflow.");
    d.required("operation", operation, "sum | mean | max | min | product | norm_l1 | norm_l2 | log_sum_exp",
               "what becomes of the elements");
    d.optional("axes", axes, "[-8, 7]", "axes that are reduced; negative ones count from the last; absent: all but the batch, axis 0");
    d.optional("keep_axes", keep_axes, "whether the reduced axes stay, with size 1");
    d.input("x", "any shape");
    d.result("y", "as x, without the reduced axes");
    d.example(R"({"operation": "norm_l2", "axes": [1, -1]})", "[[2, 3, 4, 3]]");
  }
  Tensor forward(Scope&, Tensor x) const {
    Shape over = all_axes(x), kept;
    if (axes)
      over = axes_of(x, *axes, "axes");
    else if (!over.empty())
      over.erase(over.begin());
    for (int axis = 0; axis < x.rank(); ++axis)
      if (std::ranges::find(over, axis) == over.end()) kept.push_back(x.size(axis));
    const Tensor y = reduced(x, over);
    return keep_axes ? y : reshape(y, kept);
  }

 private:
  Tensor reduced(Tensor x, const Shape& over) const {
    if (operation == "max") return max(x, over);
    if (operation == "min") return min(x, over);
    if (operation == "norm_l1") return sum(abs(x), over);
    if (operation == "norm_l2") {
      const Tensor squares = sum(square(x), over), none = equal(squares, 0.0);
      return select(none, 0.0, sqrt(select(none, 1.0, squares)));  // √ has no derivative at 0
    }
    if (operation == "log_sum_exp") {
      const double largest = x.dtype() == DType::float64 ? std::numeric_limits<double>::max() : std::numeric_limits<float>::max();
      const Tensor most = stop_gradient(max(x, over)), shift = select(abs(most) <= largest, most, 0.0);  // ∞ − ∞ would be NaN
      return log(sum(exp(x - shift), over)) + shift;
    }
    if (operation == "product") {
      for (const int64_t axis : over)
        while (const int64_t half = x.size(int(axis)) / 2) {
          const int a = int(axis);
          const Tensor pairs = slice(x, a, 0, half) * slice(x, a, half, 2 * half);
          x = x.size(a) % 2 ? concat({pairs, slice(x, a, 2 * half, 2 * half + 1)}, a) : pairs;
        }
      return x;
    }
    double count = 1;
    for (const int64_t axis : over) count *= double(x.size(int(axis)));
    return operation == "mean" ? sum(x, over) / count : sum(x, over);
  }
};
LAMINA_LAYER(Reduce, "reduce", "one number from all along some axes: sum, mean, largest, …")
