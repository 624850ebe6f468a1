// Reductions (the reduced axes stay, with size 1) and matrix products.
#include <algorithm>

#include "graph/op.hpp"

namespace lamina::graph {
namespace {

using Call = const GradientCall&;

std::vector<TensorType> infer_reduction(Inference& in) {
  Shape to = in.shape(0);
  const Shape axes = checked_axes(in, in.list("axes"), to.size());
  for (auto a : axes) to[a] = 1;
  if (in.type(0).dtype == DType::uint8 || in.type(0).dtype == DType::boolean) in.refuse("does not compute in uint8 or bool; cast it first");
  in.set("axes", axes);
  return {{in.type(0).dtype, to}};
}
/// The gradient of max and min goes to the first of equal elements in logical order.
Tensors gradient_extreme(Call c) {
  const Tensor &x = c.x[0], &y = c.y[0];
  const Shape &axes = c.node.list("axes"), shape = x.shape();
  Tensor position = 0.0;  // row-major number within the reduced axes
  double stride = 1;
  for (size_t k = axes.size(); k-- > 0;) {
    position = x.scope()->emit("iota", {}, {{"shape", shape}, {"axis", axes[k]}, {"dtype", DType::int32}})[0] * stride + position;
    stride *= double(shape[axes[k]]);
  }
  if (axes.empty()) return {c.dy[0]};
  if (stride > INT32_MAX)
    throw Error(describe("the gradient of ", c.node.op->name, " over more than 2³¹ − 1 elements has no int32 positions"));
  const Tensor wins = logical_or(equal(x, y), isnan(x));
  const Tensor first = min(select(wins, position, stride), axes);
  return {select(equal(position, first), c.dy[0], 0)};
}

std::vector<TensorType> infer_matmul(Inference& in) {
  in.want_real(0), in.want_real(1);
  in.want_rank(0, 2, "[…, rows, inner]"), in.want_rank(1, 2, "[…, inner, columns]");
  for (const char* name : {"transpose_a", "transpose_b"})
    if (!in.find(name)) in.attributes.emplace_back(name, false);
  const Shape &a = in.shape(0), &b = in.shape(1);
  const size_t r = a.size();
  const bool ta = in.integer("transpose_a"), tb = in.integer("transpose_b");
  const int64_t rows = a[ta ? r - 1 : r - 2], inner = a[ta ? r - 2 : r - 1];
  bool fits = b.size() == r && in.type(0).dtype == in.type(1).dtype && std::equal(a.begin(), a.end() - 2, b.begin());
  if (!fits || b[tb ? r - 1 : r - 2] != inner)
    in.refuse(to_text(in.type(0)), ta ? " transposed" : "", " does not multiply ", to_text(in.type(1)), tb ? " transposed" : "",
              "; the inner sizes and all batch axes must agree");
  Shape to(a.begin(), a.end() - 2);
  to.push_back(rows), to.push_back(b[tb ? r - 2 : r - 1]);
  checked_elements(in, to);
  return {{in.type(0).dtype, to}};
}
Tensors gradient_matmul(Call c) {
  const bool ta = c.node.boolean("transpose_a"), tb = c.node.boolean("transpose_b");
  const Tensor &a = c.x[0], &b = c.x[1], &d = c.dy[0];
  return {ta ? matmul(b, d, tb, true) : matmul(d, b, false, !tb), tb ? matmul(d, a, true, ta) : matmul(a, d, !ta, false)};
}

}  // namespace

std::vector<Op> reduction_ops() {
  const AttributeRule axes{"axes", integer_list, true};
  return {
      {"sum",
       "Sum over axes.",
       OpKind::reduction,
       1,
       1,
       {axes},
       infer_reduction,
       [](Call c) -> Tensors { return {broadcast(c.dy[0], c.x[0].shape())}; }},
      {"max", "Largest over axes; NaN if any is NaN.", OpKind::reduction, 1, 1, {axes}, infer_reduction, gradient_extreme},
      {"min", "Smallest over axes; NaN if any is NaN.", OpKind::reduction, 1, 1, {axes}, infer_reduction, gradient_extreme},
      {"argmax",
       "int32 position of the largest along `axis`; the first of equals, the first NaN before all.",
       OpKind::primitive,
       1,
       1,
       {{"axis", LAMINA_INTEGER, true}},
       [](Inference& in) -> std::vector<TensorType> {
         Shape to = in.shape(0);
         const int64_t axis = checked_axis(in, in.integer("axis"), to.size());
         in.want_real(0);
         if (to[axis] > INT32_MAX) in.refuse("an axis of ", to[axis], " elements has no int32 position");
         in.set("axis", axis);
         to[axis] = 1;
         return {{DType::int32, to}};
       }},
      {"matmul",
       "a [batch…, rows, inner] · b [batch…, inner, columns] → [batch…, rows, columns]; transpose_a, transpose_b: the operand's last two "
       "axes swapped.",
       OpKind::primitive,
       2,
       2,
       {{"transpose_a", LAMINA_BOOLEAN, false}, {"transpose_b", LAMINA_BOOLEAN, false}},
       infer_matmul,
       gradient_matmul},
  };
}

}  // namespace lamina::graph
