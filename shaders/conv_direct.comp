// Convolution whose groups are a few channels each (depthwise), and its gradients: too small for products. x is [image, d, h, w, channel],
// weights [tap, channel of the group, filter], dy as y [image, d, h, w, filter]; WIDTH neighbouring elements are one, more than 1 only where a
// group is one channel and one filter. A define names the pass, and with it the items and the grid that w, h and d count:
//   FORWARD  item (image, d, h, w, filter) of y, the grid is the output, `image` the input
//   DATA     item (image, d, h, w, channel) of dx, the grid is the input, `image` the output
//   WEIGHTS  item (split, tap, channel, filter) of as many dw, the grid is the output, `image` the input; a split sums `split_lines` of the
//            `lines` (image, d, h) of the output
//   binding 0: x or dy, read · binding 1: weights or dy, read · binding 2: the result, written; in vectors
// A_NARROW, B_NARROW: binding 0 or 1 has 16 bits per element, NARROW of narrow.glsl.
// Push constants: as below, axes d, h, w. Grid: items.glsl.
#include "items.glsl"
#include "divide.glsl"
#include "vector.glsl"

layout(push_constant) uniform Push {
  uint count;
  Divisor vectors, w, h, d;  // of an item, and the grid's extents
  int image[3], kernel[3], stride[3], low[3], dilation[3];
  int group_channels, group_filters, lines, split_lines;
};
#ifdef NARROW
#include "narrow.glsl"
#if WIDTH == 4
#define Halves uvec2
#else
#define Halves uint
#endif
#if WIDTH == 1
Real from_halves(uint v, int at) { return uintBitsToFloat(widened_bits(v, uint(at))); }
#else
Real from_halves(Halves v, int at) { return widened(v); }
#endif
#endif
#ifdef A_NARROW
layout(set = 0, binding = 0) readonly buffer A { Halves a_data[]; };
Real a(int at) { return from_halves(a_data[at / max(WIDTH, 2)], at); }
#else
layout(set = 0, binding = 0) readonly buffer A { Real a_data[]; };
Real a(int at) { return a_data[at / WIDTH]; }
#endif
#ifdef B_NARROW
layout(set = 0, binding = 1) readonly buffer B { Halves b_data[]; };
Real b(int at) { return from_halves(b_data[at / max(WIDTH, 2)], at); }
#else
layout(set = 0, binding = 1) readonly buffer B { Real b_data[]; };
Real b(int at) { return b_data[at / WIDTH]; }
#endif
layout(set = 0, binding = 2) writeonly buffer C { Real c[]; };

// Where on an axis of `image` position `at` of the grid meets tap k; false: nowhere.
bool meet(int axis, int at, int k, out int found) {
#ifdef DATA
  const int reached = at + low[axis] - k * dilation[axis];
  found = reached / stride[axis];
  return reached >= 0 && found * stride[axis] == reached && found < image[axis];
#else
  found = at * stride[axis] - low[axis] + k * dilation[axis];
  return uint(found) < uint(image[axis]);
#endif
}

void main() {
  const uint item = item_number();
  if (item >= count) return;
  uint rest = item;
  const int channel = int(take_digit(rest, vectors)) * WIDTH;  // of the result
  Real sum = Real(0);
#ifdef WEIGHTS
  const int filters = int(vectors.by) * WIDTH, group = channel / group_filters, channels = filters / group_filters * group_channels;
  int tap = int(rest);
  const int from = group * group_channels + tap % group_channels;
  tap /= group_channels;
  const int kw = tap % kernel[2], kh = tap / kernel[2] % kernel[1], kd = tap / (kernel[2] * kernel[1]) % kernel[0];
  const int split = tap / (kernel[2] * kernel[1] * kernel[0]);
  for (int line = split * split_lines; line < min((split + 1) * split_lines, lines); ++line) {
    uint number = uint(line);
    const int at_h = int(take_digit(number, h)), at_d = int(take_digit(number, d));
    int z, y, x;
    if (!meet(0, at_d, kd, z) || !meet(1, at_h, kh, y)) continue;
    const int row = ((int(number) * image[0] + z) * image[1] + y) * image[2];
    Real part = Real(0);
    for (int at_w = 0; at_w < int(w.by); ++at_w)
      if (meet(2, at_w, kw, x))
        part += a((row + x) * channels + from) * b((line * int(w.by) + at_w) * filters + channel);
    sum += part;
  }
#else
  const int at_w = int(take_digit(rest, w)), at_h = int(take_digit(rest, h)), at_d = int(take_digit(rest, d));
#ifdef FORWARD
  const int group = channel / group_filters, filters = int(vectors.by) * WIDTH;
  const int first = group * group_channels, terms = group_channels, pixel = filters / group_filters * group_channels;
#else
  const int group = channel / group_channels, filters = int(vectors.by) * WIDTH / group_channels * group_filters;
  const int first = group * group_filters, terms = group_filters, pixel = filters;
#endif
  int z, y, x;
  for (int kd = 0; kd < kernel[0]; ++kd) {
    if (!meet(0, at_d, kd, z)) continue;
    for (int kh = 0; kh < kernel[1]; ++kh) {
      if (!meet(1, at_h, kh, y)) continue;
      for (int kw = 0; kw < kernel[2]; ++kw) {
        if (!meet(2, at_w, kw, x)) continue;
        const int at = (((int(rest) * image[0] + z) * image[1] + y) * image[2] + x) * pixel + first;
        const int tap = ((kd * kernel[1] + kh) * kernel[2] + kw) * group_channels;
        for (int i = 0; i < terms; ++i) {
#ifdef FORWARD
          const int weight = (tap + i) * filters + channel;
#else
          const int weight = (tap + channel - group * group_channels) * filters + first + i;
#endif
          sum += a(at + i) * b(weight);
        }
      }
    }
  }
#endif
  c[item] = sum;
}
