// Convolutions over 1, 2 or 3 spatial axes: forward and both backward passes. Cross-correlation, as in the field.
#include "graph/op.hpp"

namespace lamina::graph {
namespace {

using Call = const GradientCall&;

/// Completes stride, padding, dilation and groups for `spatial` axes and checks their ranges.
void complete_window(Inference& in, size_t spatial) {
  if (spatial < 1 || spatial > 3) in.refuse("wants [batch, channels, …] with 1, 2 or 3 spatial axes, got ", spatial);
  in.complete("stride", spatial, 1), in.complete("padding_low", spatial, 0), in.complete("padding_high", spatial, 0),
      in.complete("dilation", spatial, 1);
  if (!in.find("groups")) in.set("groups", 1);
  for (const char* name : {"stride", "dilation"})
    for (auto v : in.list(name))
      if (v < 1 || v > INT32_MAX) in.refuse(name, " must be at least 1, got ", v);
  for (const char* name : {"padding_low", "padding_high"})
    for (auto v : in.list(name))
      if (v < 0 || v > INT32_MAX) in.refuse("padding must be at least 0, got ", v);
  if (in.integer("groups") < 1) in.refuse("groups must be at least 1");
}
/// The result's shape of a convolution of x by w; refuses what does not fit.
Shape result_shape(Inference& in, const Shape& x, const Shape& w) {
  if (x.size() < 3 || w.size() != x.size())
    in.refuse("wants x [batch, channels, …] and weight [filters, channels / groups, …] of one rank, got ", x, " and ", w);
  complete_window(in, x.size() - 2);
  const int64_t groups = in.integer("groups");
  int64_t channels;
  if (__builtin_mul_overflow(w[1], groups, &channels) || channels != x[1] || w[0] % groups)
    in.refuse("x has ", x[1], " channels and the weight is ", w, ": with ", groups, " groups it wants [filters, ", x[1], " / ", groups,
              ", …], filters a multiple of the groups");
  Shape y = {x[0], w[0]};
  for (size_t i = 0; i + 2 < x.size(); ++i) {
    int64_t reach, padded;
    if (__builtin_mul_overflow(w[i + 2] - 1, in.list("dilation")[i], &reach) ||
        __builtin_add_overflow(x[i + 2], in.list("padding_low")[i] + in.list("padding_high")[i], &padded) || reach >= padded)
      in.refuse("a kernel of ", w[i + 2], " (dilation ", in.list("dilation")[i], ") does not fit into spatial axis ", i, " of size ",
                x[i + 2], " with padding ", in.list("padding_low")[i], " + ", in.list("padding_high")[i]);
    y.push_back((padded - reach - 1) / in.list("stride")[i] + 1);
  }
  checked_elements(in, y);
  return y;
}
void want_one_type(Inference& in) {
  in.want_real(0), in.want_real(1);
  if (in.type(0).dtype != in.type(1).dtype) in.refuse("operands differ in type: ", to_text(in.type(0)), " and ", to_text(in.type(1)));
}
std::vector<Attribute> window_of(const Node& n, std::optional<Shape> shape = {}) {
  std::vector<Attribute> a;
  for (const char* name : {"stride", "padding_low", "padding_high", "dilation", "groups"}) a.push_back(*n.find(name));
  if (shape) a.emplace_back("shape", *shape);
  return a;
}

}  // namespace

std::vector<Op> convolution_ops() {
  const auto P = OpKind::primitive;
  const std::vector<AttributeRule> window = {{"stride", integer_list, false},
                                             {"padding_low", integer_list, false},
                                             {"padding_high", integer_list, false},
                                             {"dilation", integer_list, false},
                                             {"groups", LAMINA_INTEGER, false}};
  std::vector<AttributeRule> shaped = window;
  shaped.push_back({"shape", integer_list, true});
  return {
      {"conv", "x [batch, channels, …], weight [filters, channels / groups, kernel…] → [batch, filters, …]", P, 2, 2, window,
       [](Inference& in) -> std::vector<TensorType> {
         want_one_type(in);
         return {{in.type(0).dtype, result_shape(in, in.shape(0), in.shape(1))}};
       },
       [](Call c) -> Tensors {
         return {record("conv_backward_data", {c.dy[0], c.x[1]}, window_of(c.node, c.x[0].shape())),
                 record("conv_backward_weights", {c.x[0], c.dy[0]}, window_of(c.node, c.x[1].shape()))};
       }},
      {"conv_backward_data", "(dy, weight) → gradient of the convolution's x, which has `shape`", P, 2, 2, shaped,
       [](Inference& in) -> std::vector<TensorType> {
         want_one_type(in);
         const Shape x = in.list("shape");
         checked_elements(in, x);
         if (result_shape(in, x, in.shape(1)) != in.shape(0))
           in.refuse("dy of shape ", in.shape(0), " is no result of a convolution of ", x, " by ", in.shape(1));
         return {{in.type(0).dtype, x}};
       },
       [](Call c) -> Tensors {  // linear in dy and in the weight
         return {record("conv", {c.dy[0], c.x[1]}, window_of(c.node)),
                 record("conv_backward_weights", {c.dy[0], c.x[0]}, window_of(c.node, c.x[1].shape()))};
       }},
      {"conv_backward_weights", "(x, dy) → gradient of the convolution's weight, which has `shape`", P, 2, 2, shaped,
       [](Inference& in) -> std::vector<TensorType> {
         want_one_type(in);
         const Shape w = in.list("shape");
         checked_elements(in, w);
         if (result_shape(in, in.shape(0), w) != in.shape(1))
           in.refuse("dy of shape ", in.shape(1), " is no result of a convolution of ", in.shape(0), " by ", w);
         return {{in.type(0).dtype, w}};
       },
       [](Call c) -> Tensors {
         return {record("conv_backward_data", {c.x[1], c.dy[0]}, window_of(c.node, c.x[0].shape())),
                 record("conv", {c.x[0], c.dy[0]}, window_of(c.node))};
       }},
  };
}

}  // namespace lamina::graph
