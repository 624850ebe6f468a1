// Pools over 1, 2 or 3 spatial axes. Padding never wins a max.
#include "graph/op.hpp"

namespace lamina::graph {
namespace {

using Call = const GradientCall&;

Shape pooled_shape(Inference& in, const Shape& x) {
  if (x.size() < 3 || x.size() > 5) in.refuse("wants [batch, channels, …] with 1, 2 or 3 spatial axes, got ", x);
  const size_t spatial = x.size() - 2;
  const Shape size = in.list("size");
  if (size.size() != spatial) in.refuse("size wants ", spatial, " numbers, got ", size);
  if (!in.find("stride") || in.list("stride").empty()) in.set("stride", size);
  const Shape stride = in.complete("stride", spatial, 1), low = in.complete("padding_low", spatial, 0),
              high = in.complete("padding_high", spatial, 0);
  Shape y = {x[0], x[1]};
  for (size_t i = 0; i < spatial; ++i) {
    if (size[i] < 1 || size[i] > INT32_MAX || stride[i] < 1 || stride[i] > INT32_MAX)
      in.refuse("size and stride must be at least 1, got ", size, " and ", stride);
    if (low[i] < 0 || high[i] < 0 || low[i] >= size[i] || high[i] >= size[i])
      in.refuse("padding must be at least 0 and smaller than the window, got ", low, " and ", high, " with size ", size);
    const int64_t padded = x[i + 2] + low[i] + high[i];
    if (size[i] > padded)
      in.refuse("a window of ", size[i], " does not fit into spatial axis ", i, " of size ", x[i + 2], " with padding ", low[i], " + ",
                high[i]);
    y.push_back((padded - size[i]) / stride[i] + 1);
  }
  checked_elements(in, y);
  int64_t volume = 1;
  for (size_t i = 2; i < x.size(); ++i) volume *= x[i];
  if (volume > INT32_MAX) in.refuse("a spatial volume of more than 2³¹ − 1 elements has no int32 position");
  return y;
}
std::vector<Attribute> window_of(const Node& n, const Shape& shape) {
  std::vector<Attribute> a;
  for (auto& attribute : n.attributes)
    if (attribute.name != "shape") a.push_back(attribute);
  a.emplace_back("shape", shape);
  return a;
}
void want_indices(Inference& in, const Shape& wanted) {
  if (in.type(1).dtype != DType::int32 || in.shape(1) != wanted) in.refuse("indices must be int32 ", wanted, ", got ", to_text(in.type(1)));
}

}  // namespace

std::vector<Op> pool_ops() {
  const auto P = OpKind::primitive;
  const std::vector<AttributeRule> window = {{"size", integer_list, true},
                                             {"stride", integer_list, false},
                                             {"padding_low", integer_list, false},
                                             {"padding_high", integer_list, false}};
  std::vector<AttributeRule> average = window, backward = window;
  average.push_back({"count_padding", LAMINA_BOOLEAN, false});
  backward.push_back({"count_padding", LAMINA_BOOLEAN, false});
  backward.push_back({"shape", integer_list, true});
  const AttributeRule shape{"shape", integer_list, true};
  return {
      {"max_pool",
       "x [batch, channels, …] → largest of each window, and its int32 position in the flattened spatial volume; ties and NaN: the first",
       P, 1, 1, window,
       [](Inference& in) -> std::vector<TensorType> {
         in.want_real(0);
         const Shape y = pooled_shape(in, in.shape(0));
         return {{in.type(0).dtype, y}, {DType::int32, y}};
       },
       [](Call c) -> Tensors {
         return {c.dy[0] ? record("max_unpool", {c.dy[0], c.y[1]}, {{"shape", c.x[0].shape()}}) : Tensor()};
       }},
      {"max_unpool",
       "(v, indices): zeros of `shape`, v added at the positions",
       P,
       2,
       2,
       {shape},
       [](Inference& in) -> std::vector<TensorType> {
         const Shape x = in.list("shape"), v = in.shape(0);
         checked_elements(in, x);
         want_indices(in, v);
         if (x.size() != v.size() || x.size() < 3 || x[0] != v[0] || x[1] != v[1]) in.refuse("values ", v, " do not belong to ", x);
         return {{in.type(0).dtype, x}};
       },
       [](Call c) -> Tensors {
         return {record("max_take", {c.dy[0], c.x[1]}), Tensor()};
       }},
      {"max_take",
       "(x, indices): x at the positions",
       P,
       2,
       2,
       {},
       [](Inference& in) -> std::vector<TensorType> {
         const Shape &x = in.shape(0), &i = in.shape(1);
         want_indices(in, i);
         if (x.size() != i.size() || x.size() < 3 || x[0] != i[0] || x[1] != i[1]) in.refuse("indices ", i, " do not belong to ", x);
         return {{in.type(0).dtype, i}};
       },
       [](Call c) -> Tensors {
         return {record("max_unpool", {c.dy[0], c.x[1]}, {{"shape", c.x[0].shape()}}), Tensor()};
       }},
      {"average_pool",
       "x [batch, channels, …] → mean of each window: of the elements inside x, or with count_padding over the whole window", P, 1, 1,
       average,
       [](Inference& in) -> std::vector<TensorType> {
         in.want_real(0);
         if (!in.find("count_padding")) in.attributes.emplace_back("count_padding", false);
         return {{in.type(0).dtype, pooled_shape(in, in.shape(0))}};
       },
       [](Call c) -> Tensors { return {record("average_pool_backward", {c.dy[0]}, window_of(c.node, c.x[0].shape()))}; }},
      {"average_pool_backward", "dy → gradient of the pool's x, which has `shape`", P, 1, 1, backward,
       [](Inference& in) -> std::vector<TensorType> {
         in.want_real(0);
         if (!in.find("count_padding")) in.attributes.emplace_back("count_padding", false);
         const Shape x = in.list("shape");
         checked_elements(in, x);
         if (pooled_shape(in, x) != in.shape(0)) in.refuse("dy of shape ", in.shape(0), " is no result of this pool of ", x);
         return {{in.type(0).dtype, x}};
       },
       [](Call c) -> Tensors {
         std::vector<Attribute> a = window_of(c.node, {});
         a.pop_back();
         return {record("average_pool", {c.dy[0]}, a)};
       }},
  };
}

}  // namespace lamina::graph
