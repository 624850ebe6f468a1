// Ops that move elements: reshape, transpose, slice, pad, concat, split, reverse, gather, scatter-add.
#include <algorithm>
#include <numeric>

#include "graph/op.hpp"

namespace lamina::graph {
namespace {

using Call = const GradientCall&;

std::vector<TensorType> infer_reshape(Inference& in) {
  Shape to = in.list("shape");
  const int64_t total = checked_elements(in, in.shape(0));
  int64_t known = 1, open = -1;
  for (size_t i = 0; i < to.size(); ++i) {
    if (to[i] == -1) {
      if (open >= 0) in.refuse("shape ", to, " leaves two axes open");
      open = int64_t(i);
    } else if (to[i] < 1 || __builtin_mul_overflow(known, to[i], &known)) {
      in.refuse("shape ", to, " is not possible");
    }
  }
  if (open >= 0) to[open] = total / known;
  if (to.size() > LAMINA_MAX_RANK || (open >= 0 ? total % known != 0 : total != known))
    in.refuse(in.shape(0), " has ", total, " elements and does not reshape to ", in.list("shape"));
  in.set("shape", to);
  return {{in.type(0).dtype, to}};
}

std::vector<TensorType> infer_transpose(Inference& in) {
  const Shape& from = in.shape(0);
  Shape axes = in.list("axes"), to, seen(from.size(), 0);
  if (axes.size() != from.size()) in.refuse("axes ", axes, " do not name every axis of ", from);
  for (auto& a : axes) {
    a = checked_axis(in, a, from.size());
    if (seen[a]++) in.refuse("axes ", in.list("axes"), " name one axis twice");
    to.push_back(from[a]);
  }
  in.set("axes", axes);
  return {{in.type(0).dtype, to}};
}

std::vector<TensorType> infer_slice(Inference& in) {
  const Shape& from = in.shape(0);
  in.complete("stride", from.size(), 1);
  const Shape begin = in.complete("begin", from.size(), 0), end = in.list("end"), stride = in.list("stride");
  if (end.size() != from.size()) in.refuse("end wants one number per axis of ", from, ", got ", end);
  Shape to;
  for (size_t i = 0; i < from.size(); ++i) {
    if (begin[i] < 0 || end[i] > from[i] || begin[i] >= end[i] || stride[i] < 1)
      in.refuse("[", begin[i], ", ", end[i], ") by ", stride[i], " leaves nothing of, or leaves, axis ", i, " of ", from);
    to.push_back((end[i] - begin[i] - 1) / stride[i] + 1);
  }
  return {{in.type(0).dtype, to}};
}

std::vector<TensorType> infer_pad(Inference& in) {
  const Shape& from = in.shape(0);
  const Shape low = in.complete("low", from.size(), 0), high = in.complete("high", from.size(), 0),
              interior = in.complete("interior", from.size(), 0);
  if (!in.find("mode")) in.attributes.emplace_back("mode", "constant");
  if (!in.find("value")) in.attributes.emplace_back("value", 0.0);
  const std::string mode = in.find("mode")->texts.at(0);
  if (mode != "constant" && mode != "reflect" && mode != "edge") in.refuse("mode is constant, reflect or edge, not '", mode, "'");
  Shape to;
  for (size_t i = 0; i < from.size(); ++i) {
    if (low[i] < 0 || high[i] < 0 || interior[i] < 0) in.refuse("padding may not be negative");
    if (mode != "constant" && interior[i]) in.refuse("interior padding is for mode constant");
    if (mode == "reflect" && std::max(low[i], high[i]) >= from[i])
      in.refuse("reflection by ", std::max(low[i], high[i]), " needs an axis of more than ", from[i]);
    int64_t inner, size;
    if (interior[i] == INT64_MAX || __builtin_mul_overflow(from[i] - 1, interior[i] + 1, &inner) ||
        __builtin_add_overflow(inner + 1, low[i], &size) || __builtin_add_overflow(size, high[i], &size))
      in.refuse("axis ", i, " of ", from, " becomes larger than can be counted");
    to.push_back(size);
  }
  checked_elements(in, to);
  return {{in.type(0).dtype, to}};
}
Tensors gradient_pad(Call c) {
  const Shape from = c.x[0].shape(), to = c.y[0].shape();
  const Shape &low = c.node.list("low"), &high = c.node.list("high"), &interior = c.node.list("interior");
  const std::string mode = c.node.text("mode");
  const size_t rank = from.size();
  if (mode == "constant") {
    Shape end(rank), stride(rank);
    for (size_t i = 0; i < rank; ++i) end[i] = to[i] - high[i], stride[i] = interior[i] + 1;
    return {record("slice", {c.dy[0]}, {{"begin", low}, {"end", end}, {"stride", stride}})};
  }
  Tensor d = c.dy[0];  // axis by axis: fold the two borders back onto the part they were copied from
  for (size_t i = 0; i < rank; ++i) {
    const int axis = int(i);
    Tensor inner = slice(d, axis, low[i], low[i] + from[i]);
    auto fold = [&](int64_t begin, int64_t width, bool upper) {
      if (!width) return;
      Tensor border = slice(d, axis, begin, begin + width);
      int64_t at = upper ? from[i] - 1 : 0;
      if (mode == "reflect") {
        border = reverse(border, {axis});
        at = upper ? from[i] - 1 - width : 1;
      } else {
        border = sum(border, {axis});
        width = 1;
      }
      Shape before(rank, 0), after(rank, 0);
      before[i] = at, after[i] = from[i] - at - width;
      inner = inner + record("pad", {border}, {{"low", before}, {"high", after}});
    };
    fold(0, low[i], false);
    fold(low[i] + from[i], high[i], true);
    d = inner;
  }
  return {d};
}

std::vector<TensorType> infer_concat(Inference& in) {
  const size_t rank = in.shape(0).size();
  const int64_t axis = checked_axis(in, in.integer("axis"), rank);
  in.set("axis", axis);
  Shape to = in.shape(0);
  for (size_t k = 1; k < in.in.size(); ++k) {
    if (!in.in[k]) in.refuse("operand ", k, " is absent");
    const Shape& s = in.shape(k);
    bool fits = s.size() == rank && in.type(k).dtype == in.type(0).dtype;
    for (size_t i = 0; fits && i < rank; ++i) fits = int64_t(i) == axis || s[i] == to[i];
    if (!fits)
      in.refuse("operand ", k, " is ", to_text(in.type(k)), ", which does not continue ", to_text(in.type(0)), " along axis ", axis);
    if (__builtin_add_overflow(to[axis], s[axis], &to[axis])) in.refuse("the axis becomes larger than can be counted");
  }
  checked_elements(in, to);
  return {{in.type(0).dtype, to}};
}
Tensors gradient_concat(Call c) {
  Tensors parts;
  int64_t at = 0;
  const int axis = int(c.node.integer("axis"));
  for (auto& x : c.x) {
    parts.push_back(slice(c.dy[0], axis, at, at + x.size(axis)));
    at += x.size(axis);
  }
  return parts;
}

std::vector<TensorType> infer_split(Inference& in) {
  const int64_t axis = checked_axis(in, in.integer("axis"), in.shape(0).size());
  in.set("axis", axis);
  const Shape& sizes = in.list("sizes");
  if (sizes.size() > many) in.refuse(sizes.size(), " parts; at most ", many, " can be made");
  std::vector<TensorType> parts;
  int64_t left = in.shape(0)[axis];
  for (auto size : sizes) {
    if (size < 1 || size > left) break;
    left -= size;
    parts.push_back(in.type(0)), parts.back().shape[axis] = size;
  }
  if (left || parts.size() != sizes.size()) in.refuse("parts of ", sizes, " do not make up axis ", axis, " of ", in.shape(0));
  return parts;
}
/// One op whatever the number of parts: the gradients of as many slices would be as many tensors of the whole size, and their sums.
Tensors gradient_split(Call c) {
  Tensors parts;
  for (size_t i = 0; i < c.y.size(); ++i)
    parts.push_back(c.dy[i] ? c.dy[i] : c.scope.emit("broadcast", {0.0}, {{"shape", c.y[i].shape()}})[0]);
  return {concat(parts, int(c.node.integer("axis")))};
}
Tensors decompose_split(Scope&, const Node& n, const Tensors& x) {
  Tensors parts;
  int64_t at = 0;
  const int axis = int(n.integer("axis"));
  for (auto size : n.list("sizes")) parts.push_back(slice(x[0], axis, at, at + size)), at += size;
  return parts;
}

std::vector<TensorType> infer_gather(Inference& in) {
  const int64_t axis = checked_axis(in, in.integer("axis"), in.shape(0).size());
  in.set("axis", axis);
  if (in.type(1).dtype != DType::int32) in.refuse("indices must be int32, got ", to_text(in.type(1)));
  Shape to = in.shape(0);
  to.erase(to.begin() + axis);
  to.insert(to.begin() + axis, in.shape(1).begin(), in.shape(1).end());
  checked_elements(in, to);
  return {{in.type(0).dtype, to}};
}
std::vector<TensorType> infer_scatter(Inference& in) {
  const Shape to = in.list("shape");
  checked_elements(in, to);
  const int64_t axis = checked_axis(in, in.integer("axis"), to.size());
  in.set("axis", axis);
  if (in.type(1).dtype != DType::int32) in.refuse("indices must be int32, got ", to_text(in.type(1)));
  Shape wanted = to;
  wanted.erase(wanted.begin() + axis);
  wanted.insert(wanted.begin() + axis, in.shape(1).begin(), in.shape(1).end());
  if (wanted != in.shape(0)) in.refuse("values of shape ", in.shape(0), " where ", wanted, " is wanted");
  return {{in.type(0).dtype, to}};
}

}  // namespace

std::vector<Op> shape_ops() {
  const auto P = OpKind::primitive;
  const AttributeRule axis{"axis", LAMINA_INTEGER, true}, shape{"shape", integer_list, true};
  return {
      {"reshape",
       "The same elements in row-major order; one −1 is worked out.",
       P,
       1,
       1,
       {shape},
       infer_reshape,
       [](Call c) -> Tensors { return {reshape(c.dy[0], c.x[0].shape())}; }},
      {"transpose",
       "Axis i of the result is axis axes[i] of x.",
       P,
       1,
       1,
       {{"axes", integer_list, true}},
       infer_transpose,
       [](Call c) -> Tensors {
         const Shape& axes = c.node.list("axes");
         Shape inverse(axes.size());
         for (size_t i = 0; i < axes.size(); ++i) inverse[axes[i]] = int64_t(i);
         return {transpose(c.dy[0], inverse)};
       }},
      {"slice",
       "Elements begin, begin + stride, … below end, along every axis.",
       P,
       1,
       1,
       {{"begin", integer_list, false}, {"end", integer_list, true}, {"stride", integer_list, false}},
       infer_slice,
       [](Call c) -> Tensors {
         const Shape from = c.x[0].shape(), to = c.y[0].shape(), &begin = c.node.list("begin"), &stride = c.node.list("stride");
         Shape high, interior;
         for (size_t i = 0; i < from.size(); ++i) {
           interior.push_back(to[i] > 1 ? stride[i] - 1 : 0);
           high.push_back(from[i] - begin[i] - ((to[i] - 1) * stride[i] + 1));
         }
         return {record("pad", {c.dy[0]}, {{"low", begin}, {"high", high}, {"interior", interior}})};
       }},
      {"pad",
       "x with `low` and `high` elements before and after each axis and `interior` ones between; mode constant (value), reflect, edge.",
       P,
       1,
       1,
       {{"low", integer_list, false},
        {"high", integer_list, false},
        {"interior", integer_list, false},
        {"mode", LAMINA_TEXT, false},
        {"value", LAMINA_REAL, false}},
       infer_pad,
       gradient_pad},
      {"concat", "Tensors one after the other along `axis`.", P, 1, many, {axis}, infer_concat, gradient_concat},
      {"split",
       "Parts of the given sizes, one after the other along `axis`.",
       OpKind::composite,
       1,
       1,
       {axis, {"sizes", integer_list, true}},
       infer_split,
       gradient_split,
       decompose_split},
      {"reverse",
       "x backwards along `axes`.",
       P,
       1,
       1,
       {{"axes", integer_list, true}},
       [](Inference& in) -> std::vector<TensorType> {
         in.set("axes", checked_axes(in, in.list("axes"), in.shape(0).size()));
         return {in.type(0)};
       },
       [](Call c) -> Tensors { return {reverse(c.dy[0], c.node.list("axes"))}; }},
      {"gather",
       "x at int32 indices along `axis`; an index outside gives 0.",
       P,
       2,
       2,
       {axis},
       infer_gather,
       [](Call c) -> Tensors {
         return {scatter_add(c.dy[0], c.x[1], int(c.node.integer("axis")), c.x[0].shape()), Tensor()};
       }},
      {"scatter_add",
       "(v, indices): zeros of `shape`, v added at int32 indices along `axis`, in order; an index outside is skipped.",
       P,
       2,
       2,
       {axis, shape},
       infer_scatter,
       [](Call c) -> Tensors {
         return {gather(c.dy[0], c.x[1], int(c.node.integer("axis"))), Tensor()};
       }},
  };
}

}  // namespace lamina::graph
