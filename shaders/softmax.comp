// Softmax and what is made of it, in one pass per row; the largest logit is subtracted first.
//   KIND 0 softmax, 1 log_softmax: binding 0: x float [outer, length, inner], read · binding 1: y, of the same shape, written
//   KIND 2 loss: binding 0: logits [rows, length], read · binding 1: labels int [rows], read · binding 2: log Σ e^logit − logit at the label
//   [rows], written
//   KIND 3 its gradient: bindings 0 and 1 as before · binding 2: upstream [rows], read · binding 3: (softmax − one-hot) · upstream
//   [rows, length], written
// Push constants: rows, inner, length. An invocation per row (items.glsl); with GROUP a workgroup per row, for rows that are contiguous. The
// sums have the same order in every run. NaN anywhere in a row, and a label that names no class, give NaN.
#define WIDTH 1
#include "items.glsl"
#include "divide.glsl"
#include "functions.glsl"

layout(push_constant) uniform Push {
  uint count;
  Divisor inner;
  uint length;
};
layout(set = 0, binding = 0) readonly buffer X { float x[]; };
#if KIND < 2
layout(set = 0, binding = 1) writeonly buffer Y { float y[]; };
#else
layout(set = 0, binding = 1) readonly buffer Labels { int labels[]; };
#if KIND == 2
layout(set = 0, binding = 2) writeonly buffer Loss { float loss[]; };
#else
layout(set = 0, binding = 2) readonly buffer Upstream { float upstream[]; };
layout(set = 0, binding = 3) writeonly buffer Y { float y[]; };
#endif
#endif

#ifdef GROUP
shared float parts[gl_WorkGroupSize.x];
#define FIRST gl_LocalInvocationID.x
#define PACE gl_WorkGroupSize.x
// The largest, or the sum, over the workgroup, whose size is a power of two.
float together(float v, bool largest) {
  const uint own = gl_LocalInvocationID.x;
  barrier();
  parts[own] = v;
  for (uint half_size = gl_WorkGroupSize.x / 2; half_size > 0; half_size /= 2) {
    barrier();
    if (own < half_size) {
      const float other = parts[own + half_size];
      parts[own] = !largest ? parts[own] + other : other > parts[own] ? other : parts[own];
    }
  }
  barrier();
  return parts[0];
}
#else
#define FIRST 0
#define PACE 1
float together(float v, bool largest) { return v; }
#endif

void main() {
#ifdef GROUP
  const uint row = group_number();
#else
  const uint row = item_number();
#endif
  if (row >= count) return;
  const uint outer = divide(row, inner), step = inner.by, begin = outer * length * step + (row - outer * step);
  float largest = uintBitsToFloat(0xff800000u), sum = 0.0;
  for (uint i = FIRST; i < length; i += PACE) {
    const float v = x[begin + i * step];
    largest = v > largest ? v : largest;
  }
  largest = together(largest, true);
  for (uint i = FIRST; i < length; i += PACE) sum += exp_of(x[begin + i * step] - largest);
  sum = together(sum, false);
#if KIND >= 2
  const float not_a_number = uintBitsToFloat(0x7fc00000u);
  const uint label = uint(labels[row]);
#endif
#if KIND == 2
  if (FIRST == 0) loss[row] = label < length ? log_of(sum) + (largest - x[begin + label]) : not_a_number;
#else
#if KIND == 1
  const float log_sum = log_of(sum);
#elif KIND == 3
  const float d = label < length ? upstream[row] : not_a_number;
#endif
  for (uint i = FIRST; i < length; i += PACE) {
    const float v = x[begin + i * step] - largest;
#if KIND == 1
    y[begin + i * step] = v - log_sum;
#elif KIND == 0
    y[begin + i * step] = exp_of(v) / sum;
#else
    y[begin + i * step] = (exp_of(v) / sum - (i == label ? 1.0 : 0.0)) * d;
#endif
  }
#endif
}
