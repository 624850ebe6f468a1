/// The algebra of tensors: one line per op or small formula. Included by tensor.hpp.
/// Elementwise operands broadcast by NumPy's rule and have one type; numbers take it. Reductions keep the reduced axes with size 1.
/// Negative axes count from the end. What does not fit (shapes, types, axes) is refused by the host with a sentence: Error.
#pragma once
#include "tensor.hpp"

namespace lamina {

inline Tensor operator+(const Tensor& a, const Tensor& b) { return record("add", {a, b}); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return record("subtract", {a, b}); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return record("multiply", {a, b}); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return record("divide", {a, b}); }
inline Tensor operator-(const Tensor& a) { return record("negate", {a}); }
inline Tensor operator>(const Tensor& a, const Tensor& b) { return record("greater", {a, b}); }
inline Tensor operator<(const Tensor& a, const Tensor& b) { return record("less", {a, b}); }
inline Tensor operator>=(const Tensor& a, const Tensor& b) { return record("greater_equal", {a, b}); }
inline Tensor operator<=(const Tensor& a, const Tensor& b) { return record("less_equal", {a, b}); }
inline Tensor logical_not(const Tensor& a) { return record("logical_not", {a}); }  ///< no operator!: !x asks whether x is absent
inline Tensor equal(const Tensor& a, const Tensor& b) { return record("equal", {a, b}); }
inline Tensor not_equal(const Tensor& a, const Tensor& b) { return record("not_equal", {a, b}); }
inline Tensor logical_and(const Tensor& a, const Tensor& b) { return record("logical_and", {a, b}); }
inline Tensor logical_or(const Tensor& a, const Tensor& b) { return record("logical_or", {a, b}); }
inline Tensor isnan(const Tensor& x) { return not_equal(x, x); }
/// Elementwise: `yes` where `where` (bool) holds, else `no`.
inline Tensor select(const Tensor& where, const Tensor& yes, const Tensor& no) { return record("select", {where, yes, no}); }
inline Tensor minimum(const Tensor& a, const Tensor& b) { return record("minimum", {a, b}); }  ///< NaN propagates; a tie is a's
inline Tensor maximum(const Tensor& a, const Tensor& b) { return record("maximum", {a, b}); }  ///< NaN propagates; a tie is a's
inline Tensor abs(const Tensor& x) { return record("abs", {x}); }
inline Tensor sign(const Tensor& x) { return record("sign", {x}); }
inline Tensor floor(const Tensor& x) { return record("floor", {x}); }
inline Tensor exp(const Tensor& x) { return record("exp", {x}); }
inline Tensor expm1(const Tensor& x) { return record("expm1", {x}); }
inline Tensor log(const Tensor& x) { return record("log", {x}); }
inline Tensor log1p(const Tensor& x) { return record("log1p", {x}); }
inline Tensor sqrt(const Tensor& x) { return record("sqrt", {x}); }
inline Tensor rsqrt(const Tensor& x) { return record("rsqrt", {x}); }
inline Tensor tanh(const Tensor& x) { return record("tanh", {x}); }
inline Tensor sigmoid(const Tensor& x) { return record("sigmoid", {x}); }
inline Tensor softplus(const Tensor& x) { return record("softplus", {x}); }
inline Tensor erf(const Tensor& x) { return record("erf", {x}); }
inline Tensor sin(const Tensor& x) { return record("sin", {x}); }
inline Tensor cos(const Tensor& x) { return record("cos", {x}); }
/// x to the power, as C's pow: NaN for x < 0 and a power that is not whole.
inline Tensor pow(const Tensor& x, const Tensor& power) { return record("pow", {x, power}); }
inline Tensor square(const Tensor& x) { return x * x; }
/// max(x, 0): NaN stays NaN; the derivative at 0 is 0, because the tie is the constant's.
inline Tensor relu(const Tensor& x) { return maximum(0.0, x); }
/// x, which counts as constant when gradients are taken.
inline Tensor stop_gradient(const Tensor& x) { return record("stop_gradient", {x}); }
/// To whole numbers towards zero, saturating, NaN to 0; to bool: x ≠ 0.
inline Tensor cast(const Tensor& x, DType to) { return record("cast", {x}, {{"dtype", to}}); }
/// x in the type that the program computes in (float32, or float64 on the reference).
inline Tensor to_real(const Tensor& x) { return record("cast", {x}); }

inline Tensor sum(const Tensor& x, const Shape& axes) { return record("sum", {x}, {{"axes", axes}}); }
/// NaN if any is NaN; the gradient goes to the first of equals.
inline Tensor max(const Tensor& x, const Shape& axes) { return record("max", {x}, {{"axes", axes}}); }
inline Tensor min(const Tensor& x, const Shape& axes) { return record("min", {x}, {{"axes", axes}}); }
inline Tensor argmax(const Tensor& x, int axis) { return record("argmax", {x}, {{"axis", axis}}); }  ///< int32, first of equals
inline Shape all_axes(const Tensor& x) {
  Shape axes;
  for (int axis = 0; axis < x.rank(); ++axis) axes.push_back(axis);
  return axes;
}
/// x repeated to `shape`: axes are aligned at the right, and those of size 1 repeat.
inline Tensor broadcast(const Tensor& x, const Shape& shape) { return record("broadcast", {x}, {{"shape", shape}}); }
inline Tensor reshape(const Tensor& x, const Shape& shape) { return record("reshape", {x}, {{"shape", shape}}); }  ///< one −1 is worked out
/// Axis i of the result is axis axes[i] of x; `axes` names all of them.
inline Tensor transpose(const Tensor& x, const Shape& axes) { return record("transpose", {x}, {{"axes", axes}}); }
/// x backwards along `axes`.
inline Tensor reverse(const Tensor& x, const Shape& axes) { return record("reverse", {x}, {{"axes", axes}}); }
/// One after the other along `axis`; all other axes agree.
inline Tensor concat(const Tensors& xs, int axis) { return record("concat", xs, {{"axis", axis}}); }
/// x.shape with `axis` replaced by the shape of `indices` (int32); an index outside gives 0.
inline Tensor gather(const Tensor& x, const Tensor& indices, int axis) { return record("gather", {x, indices}, {{"axis", axis}}); }
/// Zeros of `shape`, and v added at `indices` (int32) along `axis`, in order: gather's gradient. An index outside is skipped.
inline Tensor scatter_add(const Tensor& v, const Tensor& indices, int axis, const Shape& shape) {
  return record("scatter_add", {v, indices}, {{"axis", axis}, {"shape", shape}});
}
/// Elements begin, begin + 1, … end − 1 of one axis.
inline Tensor slice(const Tensor& x, int axis, int64_t begin, int64_t end) {
  const size_t a = axis_of(x.shape(), axis);
  Shape from(x.rank(), 0), to = x.shape(), stride(x.rank(), 1);
  from.at(a) = begin, to.at(a) = end;
  return record("slice", {x}, {{"begin", from}, {"end", to}, {"stride", stride}});
}
/// Elements of a tensor of this shape; Error when there are more than 64 bits can count.
inline int64_t element_count(const Shape& shape) {
  int64_t count = 1;
  for (auto d : shape)
    if (__builtin_mul_overflow(count, d, &count)) throw Error(describe("the shape ", shape, " has more elements than 64 bits can count"));
  return count;
}
/// Sum of all elements: a tensor of rank 0.
inline Tensor total(const Tensor& x) { return reshape(sum(x, all_axes(x)), {}); }
/// Mean over all elements: a tensor of rank 0.
inline Tensor mean(const Tensor& x) { return total(x) / double(element_count(x.shape())); }
/// a [batch…, rows, inner] · b [batch…, inner, columns] → [batch…, rows, columns]; batch axes are equal, rank ≥ 2. transpose_a,
/// transpose_b: the operand comes with its last two axes swapped.
inline Tensor matmul(const Tensor& a, const Tensor& b, bool transpose_a = false, bool transpose_b = false) {
  return record("matmul", {a, b}, {{"transpose_a", transpose_a}, {"transpose_b", transpose_b}});
}
/// Shaped as x, Σ = 1 along `axis`; the largest is subtracted first, so nothing overflows.
inline Tensor softmax(const Tensor& x, int axis) { return record("softmax", {x}, {{"axis", axis}}); }
inline Tensor log_softmax(const Tensor& x, int axis) { return record("log_softmax", {x}, {{"axis", axis}}); }
/// logits [batch, classes, …], labels int32 [batch, …] → −log softmax at the label [batch, …]; NaN where a label names no class.
inline Tensor softmax_cross_entropy(const Tensor& logits, const Tensor& labels) {
  return record("softmax_cross_entropy", {logits, labels});
}

/// The sizes behind batch and channels: [(depth, height,) width]; Error where x has no one to three of them.
inline Shape spatial(const Tensor& x) {
  const Shape shape = x.shape();
  if (shape.size() < 3 || shape.size() > 5)
    throw Error(describe("wanted [batch, channels, …] with one to three spatial axes, got the shape ", shape));
  return Shape(shape.begin() + 2, shape.end());
}
/// Spatial settings of conv and pools: one entry per spatial axis.
struct Window {
  Shape stride, padding_low, padding_high, dilation = {};
};
/// Cross-correlation. x [batch, channels, …], w [filters, channels / groups, kernel…] → [batch, filters, …].
inline Tensor conv(const Tensor& x, const Tensor& w, const Window& window, int64_t groups = 1) {
  return record("conv", {x, w},
                {{"stride", window.stride},
                 {"padding_low", window.padding_low},
                 {"padding_high", window.padding_high},
                 {"dilation", window.dilation},
                 {"groups", groups}});
}
/// Largest of each window of x [batch, channels, …], the first of equals, NaN before all; padding never wins. Returns y and, as int32,
/// where in the flattened spatial volume each came from.
inline std::pair<Tensor, Tensor> max_pool(const Tensor& x, const Shape& size, const Window& w) {
  const Tensors r = x.scope()->emit(
      "max_pool", {x}, {{"size", size}, {"stride", w.stride}, {"padding_low", w.padding_low}, {"padding_high", w.padding_high}});
  return {r[0], r[1]};
}
/// Mean of each window of x [batch, channels, …]: over the elements inside x, or with count_padding over the whole window.
inline Tensor average_pool(const Tensor& x, const Shape& size, const Window& w, bool count_padding = false) {
  return record("average_pool", {x},
                {{"size", size},
                 {"stride", w.stride},
                 {"padding_low", w.padding_low},
                 {"padding_high", w.padding_high},
                 {"count_padding", count_padding}});
}
/// v [channels] laid along axis 1 of x [batch, channels, …], ready to broadcast.
inline Tensor per_channel(const Tensor& v, const Tensor& x) {
  Shape shape(x.rank(), 1);
  shape[axis_of(shape, 1)] = v.size(0);
  return reshape(v, shape);
}
/// y = weight · (x − mean) / √(variance + epsilon) + bias; mean and biased variance over `axes`, which stay with size 1. weight and bias
/// have one shape, of x's rank, that broadcasts to x.
struct Normalized {
  Tensor y, mean, variance;
};
inline Normalized normalize(const Tensor& x, const Tensor& weight, const Tensor& bias, const Shape& axes, double epsilon) {
  const Tensors r = x.scope()->emit("normalize", {x, weight, bias}, {{"axes", axes}, {"epsilon", epsilon}});
  return {r[0], r[1], r[2]};
}
inline Tensor Scope::random_uniform(const Shape& shape, const char* stream) {
  Tensor bits = emit("random_bits", {}, {{"shape", shape}, {"stream", stream}})[0];
  return to_real(record("shift_right", {bits}, {{"bits", 8}})) * (1.0 / (1 << 24));
}

}  // namespace lamina
