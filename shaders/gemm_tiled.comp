// The product of gemm.glsl for GPUs: a workgroup computes TILE_M × TILE_N of C from tiles of A and B in shared memory, an invocation
// ROWS × COLUMNS of that in registers. The next tiles are read while these are multiplied.
// Specialization constants: 0 invocations = TILE_M / ROWS · TILE_N / COLUMNS, 1 TILE_M, 2 TILE_N, 3 TILE_K, 4 ROWS, 5 COLUMNS, all multiples
// of 4. Dispatch: tiles_n · tiles_m · parts · splits · batches workgroups, spread over x and y. Deterministic: the sum's order is that of
// gemm.glsl, whatever the tiles; segments after the first are added to what stands in c, which is not narrow if there are any.
#define C_ACCESS
#include "gemm.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const int TILE_M = 64;
layout(constant_id = 2) const int TILE_N = 64;
layout(constant_id = 3) const int TILE_K = 16;
layout(constant_id = 4) const int ROWS = 4;
layout(constant_id = 5) const int COLUMNS = 4;

const int THREADS = int(gl_WorkGroupSize.x);
const int THREADS_N = TILE_N / COLUMNS, THREADS_M = TILE_M / ROWS;
const int VECTORS_K = TILE_K / 4;
const int A_VECTORS = TILE_M * VECTORS_K, A_READS = (A_VECTORS + THREADS - 1) / THREADS;
const int B_VECTORS = TILE_N * VECTORS_K, B_READS = (B_VECTORS + THREADS - 1) / THREADS;
// Tiles stand along m and n, a row for each k; one more vec4 in each row spreads the rows over the banks.
const int A_STRIDE = TILE_M / 4 + 1, B_STRIDE = TILE_N / 4 + 1;
shared vec4 a_tile[TILE_K * A_STRIDE];
shared vec4 b_tile[TILE_K * B_STRIDE];

Work work;
Segment now;

// Term f of a segment, counted in vec4s: its outer and inner number. False: behind the segment's end.
bool find_term(int f, out int outer, out int inner4) {
  uint rest = uint(f);
  inner4 = now.inner_begin + int(take_digit(rest, Divisor(p.seg_inner, p.inner_factor, p.inner_shift)));
  outer = now.outer_begin + int(rest);
  return outer < now.outer_end && inner4 < now.inner_end;
}

// What this invocation reads of A: reading i is vector i · THREADS + its own number of the tile; along k, or along m.
int a_outer[A_READS], a_starts[A_READS];  // the outer number that starts are for
#ifdef A_ALONG_K
Row a_rows_read[A_READS];
#else
Rows a_rows_read[A_READS];
#endif
int b_outer[B_READS], b_starts[B_READS];
vec4 a_next[A_READS], b_next[B_READS];

void begin_reading(int thread) {
  [[unroll]] for (int i = 0; i < A_READS; ++i) {
    const int q = i * THREADS + thread;
    a_outer[i] = -1;
#ifdef A_ALONG_K
    a_rows_read[i] = a_row(work, work.m + q / VECTORS_K);
#else
    a_rows_read[i] = a_rows(work, work.m + q % (TILE_M / 4) * 4);
#endif
  }
  [[unroll]] for (int i = 0; i < B_READS; ++i) b_outer[i] = -1;
}

void read_tiles(int thread, int f) {
  int outer, inner4;
  [[unroll]] for (int i = 0; i < A_READS; ++i) {
    const int q = i * THREADS + thread;
    a_next[i] = vec4(0);
#ifdef A_ALONG_K
    if (q < A_VECTORS && find_term(f + q % VECTORS_K, outer, inner4)) {
      if (outer != a_outer[i]) a_outer[i] = outer, a_starts[i] = a_start(work, a_rows_read[i], table[work.first.w + outer]);
      a_next[i] = a_vector(a_starts[i], inner4);
    }
#else
    const int k = q / (TILE_M / 4);
    if (q < A_VECTORS && find_term(f + k / 4, outer, inner4)) {
      if (outer != a_outer[i]) a_outer[i] = outer, a_starts[i] = a_start(a_rows_read[i], grid_row(work, outer));
      a_next[i] = a_vector(a_rows_read[i], a_starts[i], inner4 * 4 + k % 4);
    }
#endif
  }
  [[unroll]] for (int i = 0; i < B_READS; ++i) {
    const int q = i * THREADS + thread;
#ifdef B_ALONG_K
    const int k4 = q % VECTORS_K, n = work.n + q / VECTORS_K;
#else
    const int k = q / (TILE_N / 4), k4 = k / 4, n = work.n + q % (TILE_N / 4) * 4;
#endif
    b_next[i] = vec4(0);
    if (q < B_VECTORS && find_term(f + k4, outer, inner4)) {
#ifdef A_ALONG_K
      if (outer != b_outer[i]) b_outer[i] = outer, b_starts[i] = b_start(work, table[work.first.w + outer].w);
#else
      b_starts[i] = b_start(work, outer);
#endif
#ifdef B_ALONG_K
      b_next[i] = b_vector(b_starts[i], n, inner4);
#else
      b_next[i] = b_vector(b_starts[i], n, inner4 * 4 + k % 4);
#endif
    }
  }
}

void keep_tiles(int thread) {
  [[unroll]] for (int i = 0; i < A_READS; ++i) {
    const int q = i * THREADS + thread;
    if (q >= A_VECTORS) continue;
#ifdef A_ALONG_K
    const int row = q / VECTORS_K, k = q % VECTORS_K * 4;
    [[unroll]] for (int u = 0; u < 4; ++u) a_tile[(k + u) * A_STRIDE + row / 4][row % 4] = a_next[i][u];
#else
    a_tile[q / (TILE_M / 4) * A_STRIDE + q % (TILE_M / 4)] = a_next[i];
#endif
  }
  [[unroll]] for (int i = 0; i < B_READS; ++i) {
    const int q = i * THREADS + thread;
    if (q >= B_VECTORS) continue;
#ifdef B_ALONG_K
    const int column = q / VECTORS_K, k = q % VECTORS_K * 4;
    [[unroll]] for (int u = 0; u < 4; ++u) b_tile[(k + u) * B_STRIDE + column / 4][column % 4] = b_next[i][u];
#else
    b_tile[q / (TILE_N / 4) * B_STRIDE + q % (TILE_N / 4)] = b_next[i];
#endif
  }
}

// The invocation's part of C: vec4s along n; its rows and columns come in fours, THREADS_M and THREADS_N fours apart.
vec4 sum[ROWS][COLUMNS / 4];

void multiply_tiles(int thread_m, int thread_n) {
  for (int k4 = 0; k4 < TILE_K; k4 += 4)
    [[unroll]] for (int k = k4; k < k4 + 4; ++k) {
      vec4 a[ROWS / 4], b[COLUMNS / 4];
      [[unroll]] for (int r = 0; r < ROWS / 4; ++r) a[r] = a_tile[k * A_STRIDE + r * THREADS_M + thread_m];
      [[unroll]] for (int j = 0; j < COLUMNS / 4; ++j) b[j] = b_tile[k * B_STRIDE + j * THREADS_N + thread_n];
      [[unroll]] for (int r = 0; r < ROWS; ++r) [[unroll]] for (int j = 0; j < COLUMNS / 4; ++j)
        sum[r][j] = fma(vec4(a[r / 4][r % 4]), b[j], sum[r][j]);
    }
}

// What stands at c[row, n … n + 3].
vec4 stored(int row, int n) {
  const int at = c_offset(work, row, n);
#ifdef C_VECTORS
  return n < p.n ? widened(c_data[at / 4]) : vec4(0);
#else
  vec4 v = vec4(0);
  [[unroll]] for (int e = 0; e < 4; ++e) if (n + e < p.n) v[e] = c_data[at + e];
  return v;
#endif
}

void store_sum(int thread_m, int thread_n, bool add) {
  [[unroll]] for (int r4 = 0; r4 < ROWS / 4; ++r4) {
    const int m = work.m + (r4 * THREADS_M + thread_m) * 4;
#ifndef A_ALONG_K
    const Rows rows = a_rows(work, m);
#endif
    [[unroll]] for (int r = 0; r < 4; ++r) {
#ifdef A_ALONG_K
      const int row = a_row(work, m + r).result;
      const bool wanted = m + r < work.grid.w;
#else
      const int row = rows.result + r;
      const bool wanted = r < rows.count;
#endif
      if (wanted) [[unroll]] for (int j = 0; j < COLUMNS / 4; ++j) {
        const int n = work.n + (j * THREADS_N + thread_n) * 4;
        store(work, row, n, add ? stored(row, n) + sum[r4 * 4 + r][j] : sum[r4 * 4 + r][j]);
      }
    }
  }
}

void main() {
  if (!find_work(TILE_M, TILE_N, work)) return;
  const int thread = int(gl_LocalInvocationID.x), thread_n = thread % THREADS_N, thread_m = thread / THREADS_N;
  begin_reading(thread);
  const int first = work.split * p.segments, last = last_segment(work);
  for (int number = first; number < max(last, first + 1); ++number) {
    now = segment(work, number);
    const int terms = number < last ? (now.outer_end - now.outer_begin) * p.seg_inner : 0;
    [[unroll]] for (int r = 0; r < ROWS; ++r) [[unroll]] for (int j = 0; j < COLUMNS / 4; ++j) sum[r][j] = vec4(0);
    for (int f = -VECTORS_K; f < terms; f += VECTORS_K) {  // the first round only reads
      if (f >= 0) {
        barrier();
        keep_tiles(thread);
        barrier();
      }
      if (f + VECTORS_K < terms) read_tiles(thread, f + VECTORS_K);
      if (f >= 0) multiply_tiles(thread_m, thread_n);
    }
    store_sum(thread_m, thread_n, number > first);
  }
}
