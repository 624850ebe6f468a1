// Composites: ops with a decomposition into the others, that a backend may claim whole. Autodiff treats them as opaque where they have a
// gradient rule, and goes through the decomposition where they have none.
#include "graph/op.hpp"

namespace lamina::graph {
namespace {

using Call = const GradientCall&;

std::vector<TensorType> infer_softmax(Inference& in) {
  in.want_real(0);
  in.set("axis", checked_axis(in, in.integer("axis"), in.shape(0).size()));
  return {in.type(0)};
}
Shape labels_of(const Inference& in, const Shape& logits) {
  if (logits.size() < 2) in.refuse("logits must be [batch, classes, …], got ", logits);
  Shape labels = logits;
  labels.erase(labels.begin() + 1);
  return labels;
}
void want_labels(Inference& in) {
  in.want_real(0);
  const Shape wanted = labels_of(in, in.shape(0));
  if (in.type(1).dtype != DType::int32 || in.shape(1) != wanted)
    in.refuse("labels must be int32 ", wanted, " for logits ", in.shape(0), ", got ", to_text(in.type(1)));
}
/// labels [batch, …] → true where the class is the label, [batch, classes, …]
Tensor chosen(const Tensor& logits, const Tensor& labels) {
  Shape laid = logits.shape();
  laid[1] = 1;
  const Tensor classes = logits.scope()->emit("iota", {}, {{"shape", logits.shape()}, {"axis", 1}, {"dtype", DType::int32}})[0];
  return equal(classes, reshape(labels, laid));
}
/// NaN where a label names no class, else v.
Tensor checked_labels(const Tensor& v, const Tensor& labels, int64_t classes) {
  return select(logical_and(labels >= 0, labels < double(classes)), v, std::nan(""));
}

/// Operands that stand for the same numbers are of the same type as x, operand 0.
void want_type_of_x(Inference& in, size_t from) {
  for (size_t i = from; i < in.in.size(); ++i)
    if (in.type(i).dtype != in.type(0).dtype)
      in.refuse("operand ", i, " is ", to_text(in.type(i)), ", but operand 0 ", to_text(in.type(0)));
}
/// x is operand 0, weight operand 1.
void want_normalization(Inference& in) {
  in.want_real(0), want_type_of_x(in, 1);
  const Shape axes = checked_axes(in, in.list("axes"), in.shape(0).size());
  if (axes.empty()) in.refuse("wants at least one axis");
  in.set("axes", axes);
  const auto* e = in.find("epsilon");
  if (!e || !(e->reals.at(0) >= 0)) in.refuse("epsilon must be at least 0");
  const Shape &w = in.shape(1), &s = in.shape(0);
  bool fits = w.size() == s.size();
  for (size_t i = 0; fits && i < s.size(); ++i) fits = w[i] == 1 || w[i] == s[i];
  if (!fits) in.refuse("a weight of ", w, " does not broadcast to ", s);
}
Shape reduced(const Inference& in, const Shape& shape) {
  Shape to = shape;
  for (auto a : in.list("axes")) to[a] = 1;
  return to;
}
double reduced_count(const Node& n, const Shape& shape) {
  double count = 1;
  for (auto a : n.list("axes")) count *= double(shape[a]);
  return count;
}

Tensors decompose_normalize(Scope&, const Node& n, const Tensors& x) {
  const Shape& axes = n.list("axes");
  const double m = reduced_count(n, x[0].shape());
  const Tensor mean = sum(x[0], axes) / m;
  const Tensor centred = x[0] - mean;
  const Tensor variance = sum(square(centred), axes) / m;
  return {centred * rsqrt(variance + n.real("epsilon")) * x[1] + x[2], mean, variance};
}
Tensors gradient_normalize(Call c) {
  const Shape& axes = c.node.list("axes");
  const Tensor& x = c.x[0];
  Tensors d(3);
  if (c.dy[0])
    d = c.scope.emit("normalize_backward", {x, c.x[1], c.y[1], c.y[2], c.dy[0]}, {{"axes", axes}, {"epsilon", c.node.real("epsilon")}});
  const double m = reduced_count(c.node, x.shape());
  auto also = [&](const Tensor& more) { d[0] = d[0] ? d[0] + more : broadcast(more, x.shape()); };
  if (c.dy[1]) also(c.dy[1] / m);
  if (c.dy[2]) also(c.dy[2] * (2 / m) * (x - c.y[1]));
  return d;
}
/// Source: Ioffe & Szegedy, ICML 2015, the six equations of section 3, with the weight folded in.
Tensors decompose_normalize_backward(Scope&, const Node& n, const Tensors& in) {
  const Tensor &x = in[0], &weight = in[1], &mean = in[2], &variance = in[3], &dy = in[4];
  const Shape& axes = n.list("axes");
  const double m = reduced_count(n, x.shape());
  const Tensor scale = rsqrt(variance + n.real("epsilon"));
  const Tensor hat = (x - mean) * scale, g = dy * weight;
  const Tensor dx = scale * (g - (sum(g, axes) + hat * sum(g * hat, axes)) / m);
  return {dx, unbroadcast(dy * hat, weight.shape()), unbroadcast(dy, weight.shape())};
}

}  // namespace

std::vector<Op> composite_ops() {
  const auto C = OpKind::composite;
  const AttributeRule axis{"axis", LAMINA_INTEGER, true}, axes{"axes", integer_list, true}, epsilon{"epsilon", LAMINA_REAL, true};
  return {
      {"softmax",
       "e^x / Σ e^x along `axis`",
       C,
       1,
       1,
       {axis},
       infer_softmax,
       [](Call c) -> Tensors { return {c.y[0] * (c.dy[0] - sum(c.dy[0] * c.y[0], {c.node.integer("axis")}))}; },
       [](Scope&, const Node& n, const Tensors& x) -> Tensors {
         const Shape a = {n.integer("axis")};
         const Tensor e = exp(x[0] - max(x[0], a));
         return {e / sum(e, a)};
       }},
      {"log_softmax",
       "x − log Σ e^x along `axis`",
       C,
       1,
       1,
       {axis},
       infer_softmax,
       [](Call c) -> Tensors { return {c.dy[0] - exp(c.y[0]) * sum(c.dy[0], {c.node.integer("axis")})}; },
       [](Scope&, const Node& n, const Tensors& x) -> Tensors {
         const Shape a = {n.integer("axis")};
         const Tensor shifted = x[0] - max(x[0], a);
         return {shifted - log(sum(exp(shifted), a))};
       }},
      {"softmax_cross_entropy",
       "logits [batch, classes, …], labels int32 [batch, …] → log Σ e^logit − logit at the label; NaN where a label names no class",
       C,
       2,
       2,
       {},
       [](Inference& in) -> std::vector<TensorType> {
         want_labels(in);
         return {{in.type(0).dtype, in.shape(1)}};
       },
       [](Call c) -> Tensors {
         return {record("softmax_cross_entropy_backward", {c.x[0], c.x[1], c.dy[0]}), Tensor()};
       },
       [](Scope&, const Node&, const Tensors& x) -> Tensors {
         const Tensor p = log_softmax(x[0], 1);
         const Tensor loss = -reshape(sum(select(chosen(x[0], x[1]), p, 0), {1}), x[1].shape());
         return {checked_labels(loss, x[1], x[0].size(1))};
       }},
      {"softmax_cross_entropy_backward",
       "(logits, labels, dloss [batch, …]) → (softmax − one-hot) · dloss; NaN where a label names no class",
       C,
       3,
       3,
       {},
       [](Inference& in) -> std::vector<TensorType> {
         want_labels(in), want_type_of_x(in, 2);
         if (in.shape(2) != in.shape(1)) in.refuse("dloss must be ", in.shape(1), ", got ", in.shape(2));
         return {in.type(0)};
       },
       nullptr,
       [](Scope&, const Node&, const Tensors& x) -> Tensors {
         Shape laid = x[0].shape();
         laid[1] = 1;
         const Tensor hit = select(chosen(x[0], x[1]), 1, 0);
         return {(softmax(x[0], 1) - hit) * reshape(checked_labels(x[2], x[1], x[0].size(1)), laid)};
       }},
      {"normalize",
       "(x, weight, bias) → y = weight · (x − mean) / √(variance + epsilon) + bias, mean, biased variance over `axes`, which stay with "
       "size 1",
       C,
       3,
       3,
       {axes, epsilon},
       [](Inference& in) -> std::vector<TensorType> {
         want_normalization(in);
         if (in.shape(2) != in.shape(1)) in.refuse("bias ", in.shape(2), " and weight ", in.shape(1), " must have one shape");
         const DType t = in.type(0).dtype;
         const Shape s = reduced(in, in.shape(0));
         return {in.type(0), {t, s}, {t, s}};
       },
       gradient_normalize,
       decompose_normalize},
      {"normalize_backward",
       "(x, weight, mean, variance, dy) → gradients of x (through mean and variance too), weight and bias",
       C,
       5,
       5,
       {axes, epsilon},
       [](Inference& in) -> std::vector<TensorType> {
         want_normalization(in);
         const Shape s = reduced(in, in.shape(0));
         if (in.shape(2) != s || in.shape(3) != s || in.shape(4) != in.shape(0))
           in.refuse("mean, variance and dy must be ", s, ", ", s, " and ", in.shape(0));
         return {in.type(0), in.type(1), in.type(1)};
       },
       nullptr,
       decompose_normalize_backward},
  };
}

}  // namespace lamina::graph
