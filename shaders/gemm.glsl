// C[m, n] = Σ_k A(m, k) · B(k, n): the operands, the order of the sum and the result, for both gemm_lanes.comp and gemm_tiled.comp.
//
// k counts (outer, inner). The rows of A are pixels of images [image, d, h, w, channel]; a pixel stands at position · step + tap, and one
// outside its image is zero.
//   A_ALONG_K        m is a position of a grid, outer a tap, inner a channel. Convolution forward and, per class of positions that see the
//                    same taps ("part"), backward to the data. A matrix [m, k] is a row of m pixels with one tap at 0.
//   not A_ALONG_K    m is a tap and a channel, outer a row of the grid (image, d, h), inner a position in it (w). Convolution backward to
//                    the weights. A matrix [k, m] is a row of k pixels with one tap at 0.
// B(k, n) = b[outer · b_outer + inner · b_row + n], vec4 along n, or with B_ALONG_K b[outer · b_outer + n · b_row + inner], along k.
// In both, "outer" is the number that the tap carries, or the number of the grid's row.
// All offsets of A and B count vec4s; their contiguous axes are padded with zeros to vec4s. C is written per element, or with C_VECTORS
// (n, and all offsets of C, multiples of 4) as vec4s. A_NARROW, B_NARROW and, with C_VECTORS, C_NARROW: 16 bits per element, NARROW of
// narrow.glsl.
//
// Bindings: 0 a and 1 b, readonly vec4 (uvec2 if narrow); 2 c, C_ACCESS float (vec4 with C_VECTORS, uvec2 if narrow); 3 table, readonly
// ivec4, per part:
//   (grid d, h, w, number of rows m) (first position of the result d, h, w, number of the first tap in the table)
//   (step of positions in the result d, h, w, 0) (size of the result d, h, w, number of outer) and the factors and the shifts that divide
//   (divide.glsl) by (grid d, h, w, channels4); then the taps (d, h, w, number).
// The sum: segments of seg_outer × 4·seg_inner terms of k, each summed in order from zero, and added in order; a split is `segments` of them
// and writes its own result, c_split elements apart. So the bits depend on these numbers alone, not on tiles or workgroups.
#extension GL_EXT_control_flow_attributes : require
#include "divide.glsl"
#ifdef NARROW
#include "narrow.glsl"
#endif

#ifdef A_NARROW
layout(binding = 0) readonly buffer ABuffer { uvec2 a_data[]; };
#else
layout(binding = 0) readonly buffer ABuffer { vec4 a_data[]; };
#endif
#ifdef B_NARROW
layout(binding = 1) readonly buffer BBuffer { uvec2 b_data[]; };
#else
layout(binding = 1) readonly buffer BBuffer { vec4 b_data[]; };
#endif
#ifdef C_NARROW
layout(binding = 2) C_ACCESS buffer CBuffer { uvec2 c_data[]; };
#elif defined(C_VECTORS)
layout(binding = 2) C_ACCESS buffer CBuffer { vec4 c_data[]; };
#else
layout(binding = 2) C_ACCESS buffer CBuffer { float c_data[]; };
#endif
layout(binding = 3) readonly buffer Table { ivec4 table[]; };

layout(push_constant) uniform Push {
  int tiles_n, tiles_m, parts, splits, batches;
  int n, inner;                        // columns; terms of the inner axis
  int seg_outer, seg_inner, segments;  // seg_inner in vec4s
  int a_d, a_h, a_w, a_pixel, a_batch;
  int step_d, step_h, step_w;
  int channels, channels4;             // of a tap in the result; of A in vec4s (rows m only)
  int b_outer, b_row, b_batch;
  int c_row, c_batch, c_split;
  uint inner_factor, inner_shift;      // divide by seg_inner
}
p;

// What this workgroup computes. False: nothing.
struct Work {
  int m, n, split, batch;  // first row and column
  ivec4 grid, first, step, size, factor, shift;
};
int take_digit(inout int number, Work w, int axis, int by) {
  uint rest = uint(number);
  const uint digit = take_digit(rest, Divisor(by, w.factor[axis], w.shift[axis]));
  number = int(rest);
  return int(digit);
}
bool find_work(int rows, int columns, out Work w) {
  int i = int(gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x);
  w.n = i % p.tiles_n * columns, i /= p.tiles_n;
  w.m = i % p.tiles_m * rows, i /= p.tiles_m;
  const int part = i % p.parts;
  i /= p.parts;
  w.split = i % p.splits, w.batch = i / p.splits;
  w.grid = table[part * 6], w.first = table[part * 6 + 1], w.step = table[part * 6 + 2], w.size = table[part * 6 + 3];
  w.factor = table[part * 6 + 4], w.shift = table[part * 6 + 5];
  return w.batch < p.batches && w.m < w.grid.w;
}

vec4 widened(vec4 v) { return v; }
vec4 a_at(bool inside, int offset) { return mix(vec4(0), widened(a_data[inside ? offset : 0]), bvec4(inside)); }
bool within(int i, int size) { return uint(i) < uint(size); }

#ifdef A_ALONG_K

// A row of A: where its pixel is before a tap is added, and its row of C.
struct Row {
  int image, d, h, w, result;
};
Row a_row(Work work, int m) {
  Row r;
  int image = m;
  const int w = take_digit(image, work, 2, work.grid.z), h = take_digit(image, work, 1, work.grid.y);
  const int d = take_digit(image, work, 0, work.grid.x);
  r.image = m < work.grid.w ? image * p.a_d : -1;
  r.d = d * p.step_d, r.h = h * p.step_h, r.w = w * p.step_w;
  r.result = ((image * work.size.x + d * work.step.x + work.first.x) * work.size.y + h * work.step.y + work.first.y) * work.size.z +
             w * work.step.z + work.first.z;
  return r;
}
// Where a row reads for one tap; −1: zero.
int a_start(Work work, Row r, ivec4 tap) {
  const int d = r.d + tap.x, h = r.h + tap.y, w = r.w + tap.z;
  const bool inside = r.image >= 0 && within(d, p.a_d) && within(h, p.a_h) && within(w, p.a_w);
  return inside ? (((r.image + d) * p.a_h + h) * p.a_w + w) * p.a_pixel + work.batch * p.a_batch : -1;
}
vec4 a_vector(int start, int inner4) { return a_at(start >= 0, start + inner4); }

#else

// Four rows of A: their tap, their channels, and their rows of C, `count` of them from `result` on.
struct Rows {
  int d, h, w, offset, result, count;
};
Rows a_rows(Work work, int m) {
  Rows r;
  int tap = m / 4;
  const int channel4 = take_digit(tap, work, 3, p.channels4);
  const bool wanted = m < work.grid.w;
  const ivec4 t = table[wanted ? work.first.w + tap : 0];
  r.d = t.x, r.h = t.y, r.w = t.z, r.offset = channel4 + work.batch * p.a_batch;
  r.result = wanted ? t.w * p.channels + channel4 * 4 : -1;
  r.count = wanted ? min(4, p.channels - channel4 * 4) : 0;
  return r;
}
// A row of the grid: (image, d, h).
ivec3 grid_row(Work work, int outer) {
  int image = outer;
  const int h = take_digit(image, work, 1, work.grid.y), d = take_digit(image, work, 0, work.grid.x);
  return ivec3(image, d, h);
}
ivec3 next_row(Work work, ivec3 row) {
  row.z += 1;
  if (row.z == work.grid.y) row.z = 0, row.y += 1;
  if (row.y == work.grid.x) row.y = 0, row.x += 1;
  return row;
}
// Where the rows read in one row of the grid, before w; −1: zeros.
int a_start(Rows r, ivec3 row) {
  const int d = row.y * p.step_d + r.d, h = row.z * p.step_h + r.h;
  const bool inside = r.count > 0 && within(d, p.a_d) && within(h, p.a_h);
  return inside ? ((row.x * p.a_d + d) * p.a_h + h) * p.a_w * p.a_pixel + r.offset : -1;
}
vec4 a_vector(Rows r, int start, int inner) {
  const int w = inner * p.step_w + r.w;
  return a_at(start >= 0 && within(w, p.a_w) && inner < p.inner, start + w * p.a_pixel);
}

#endif

// Where the rows of B of an outer number begin, or of the number that its tap carries.
int b_start(Work work, int number) { return work.batch * p.b_batch + number * p.b_outer; }
vec4 b_at(bool inside, int offset) { return mix(vec4(0), widened(b_data[inside ? offset : 0]), bvec4(inside)); }
#ifdef B_ALONG_K
vec4 b_vector(int start, int n, int inner4) { return b_at(n < p.n, start + n * p.b_row + inner4); }
#else
vec4 b_vector(int start, int n, int inner) { return b_at(n < p.n && inner < p.inner, start + inner * p.b_row + n / 4); }
#endif

// Where c[row, n] stands.
int c_offset(Work work, int row, int n) { return work.split * p.c_split + work.batch * p.c_batch + row * p.c_row + n; }
// `v` stands at c[row, n … n + 3].
void store(Work work, int row, int n, vec4 v) {
  const int at = c_offset(work, row, n);
#ifdef C_NARROW
  if (n < p.n) c_data[at / 4] = narrowed(v);
#elif defined(C_VECTORS)
  if (n < p.n) c_data[at / 4] = v;
#else
  [[unroll]] for (int e = 0; e < 4; ++e) if (n + e < p.n) c_data[at + e] = v[e];
#endif
}

// A segment of the sum.
struct Segment {
  int outer_begin, outer_end, inner_begin, inner_end;  // inner in vec4s
};
int last_segment(Work work) {
  const int inner4 = (p.inner + 3) / 4;
  return min((work.split + 1) * p.segments, (work.size.w + p.seg_outer - 1) / p.seg_outer * ((inner4 + p.seg_inner - 1) / p.seg_inner));
}
Segment segment(Work work, int number) {
  const int inner4 = (p.inner + 3) / 4, inner_parts = (inner4 + p.seg_inner - 1) / p.seg_inner;
  Segment s;
  s.outer_begin = number / inner_parts * p.seg_outer, s.outer_end = min(s.outer_begin + p.seg_outer, work.size.w);
  s.inner_begin = number % inner_parts * p.seg_inner, s.inner_end = min(s.inner_begin + p.seg_inner, inner4);
  return s;
}
