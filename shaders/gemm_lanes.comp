// The product of gemm.glsl for CPUs: one workgroup is one vector register's lanes, 8 · LANES_N columns by 16 · LANES_M rows, 16 × 8 of them
// in each lane. Neither shared memory nor barriers: every vec4 is read by one lane (reads are loops over lanes there, and dear) and shuffled
// to those that want it.
// Defines: LANES, at most the subgroup's size; LANES_N of them stand side by side along n, LANES_M along m. Dispatch: tiles_n · tiles_m ·
// parts · splits · batches workgroups, spread over x and y. Deterministic: the sum's order is that of gemm.glsl.
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#define C_ACCESS writeonly
#include "gemm.glsl"

#define LANES_M (LANES / LANES_N)
#define A_READS (16 / LANES_N)
#define B_READS (8 / LANES_M)

layout(local_size_x = LANES) in;

void main() {
  Work work;
  if (!find_work(16 * LANES_M, 8 * LANES_N, work)) return;
  const int lane = int(gl_LocalInvocationID.x), lane_n = lane % LANES_N, lane_m = lane / LANES_N;
  const uint first_of_m = lane_m * LANES_N;
  const int m = work.m + lane_m * 16, n = work.n + lane_n * 4;  // this lane's columns are n … n + 3 and as many 4 · LANES_N behind

  // What this lane reads of A: reading i serves row i · LANES_N + lane_n of the 16, or of 4 × 4 vectors (rows, terms) the one of that number.
#ifdef A_ALONG_K
  Row rows[A_READS];
  [[unroll]] for (int i = 0; i < A_READS; ++i) rows[i] = a_row(work, m + i * LANES_N + lane_n);
#else
  Rows rows[A_READS];
  [[unroll]] for (int i = 0; i < A_READS; ++i) rows[i] = a_rows(work, m + (i * LANES_N + lane_n) / 4 * 4);
#endif

  vec4 total[16][2];
  [[unroll]] for (int r = 0; r < 16; ++r) [[unroll]] for (int j = 0; j < 2; ++j) total[r][j] = vec4(0);

  const int last = last_segment(work);
  for (int number = work.split * p.segments; number < last; ++number) {
    const Segment s = segment(work, number);
    vec4 sum[16][2];
    [[unroll]] for (int r = 0; r < 16; ++r) [[unroll]] for (int j = 0; j < 2; ++j) sum[r][j] = vec4(0);
#ifndef A_ALONG_K
    ivec3 grid_at = grid_row(work, s.outer_begin);
#endif
    for (int outer = s.outer_begin; outer < s.outer_end; ++outer) {
      int starts[A_READS];
#ifdef A_ALONG_K
      const ivec4 tap = table[work.first.w + outer];
      [[unroll]] for (int i = 0; i < A_READS; ++i) starts[i] = a_start(work, rows[i], tap);
      const int b_first = b_start(work, tap.w);
#else
      [[unroll]] for (int i = 0; i < A_READS; ++i) starts[i] = a_start(rows[i], grid_at);
      grid_at = next_row(work, grid_at);
      const int b_first = b_start(work, outer);
#endif
      for (int k = s.inner_begin; k < s.inner_end; ++k) {
        vec4 a_read[A_READS], b_read[B_READS];
#ifdef A_ALONG_K
        [[unroll]] for (int i = 0; i < A_READS; ++i) a_read[i] = a_vector(starts[i], k);
#else
        [[unroll]] for (int i = 0; i < A_READS; ++i) a_read[i] = a_vector(rows[i], starts[i], k * 4 + (i * LANES_N + lane_n) % 4);
#endif
        // Of 8 vectors this lane's columns want, those whose number is i · LANES_M + lane_m.
        vec4 b[4][2];
#ifdef B_ALONG_K
        [[unroll]] for (int i = 0; i < B_READS; ++i) {
          const int e = i * LANES_M + lane_m;
          b_read[i] = b_vector(b_first, n + e / 4 * 4 * LANES_N + e % 4, k);
        }
        [[unroll]] for (int e = 0; e < 8; ++e) {
          const vec4 v = subgroupShuffle(b_read[e / LANES_M], uint(e % LANES_M * LANES_N + lane_n));
          [[unroll]] for (int u = 0; u < 4; ++u) b[u][e / 4][e % 4] = v[u];
        }
#else
        [[unroll]] for (int i = 0; i < B_READS; ++i) {
          const int e = i * LANES_M + lane_m;
          b_read[i] = b_vector(b_first, n + e % 2 * 4 * LANES_N, k * 4 + e / 2);
        }
        [[unroll]] for (int e = 0; e < 8; ++e) b[e / 2][e % 2] = subgroupShuffle(b_read[e / LANES_M], uint(e % LANES_M * LANES_N + lane_n));
#endif
        [[unroll]] for (int r4 = 0; r4 < 4; ++r4) {
          vec4 a[4];  // four rows along k
#ifdef A_ALONG_K
          [[unroll]] for (int r = 0; r < 4; ++r)
            a[r] = subgroupShuffle(a_read[(r4 * 4 + r) / LANES_N], first_of_m + uint((r4 * 4 + r) % LANES_N));
#else
          [[unroll]] for (int u = 0; u < 4; ++u) {
            const vec4 v = subgroupShuffle(a_read[(r4 * 4 + u) / LANES_N], first_of_m + uint((r4 * 4 + u) % LANES_N));
            [[unroll]] for (int r = 0; r < 4; ++r) a[r][u] = v[r];
          }
#endif
          [[unroll]] for (int r = 0; r < 4; ++r) [[unroll]] for (int u = 0; u < 4; ++u) [[unroll]] for (int j = 0; j < 2; ++j)
            sum[r4 * 4 + r][j] = fma(vec4(a[r][u]), b[u][j], sum[r4 * 4 + r][j]);
        }
      }
    }
    [[unroll]] for (int r = 0; r < 16; ++r) [[unroll]] for (int j = 0; j < 2; ++j) total[r][j] += sum[r][j];
  }

  [[unroll]] for (int r = 0; r < 16; ++r) {
#ifdef A_ALONG_K
    const int row = subgroupShuffle(rows[r / LANES_N].result, first_of_m + uint(r % LANES_N));
    const bool wanted = m + r < work.grid.w;
#else
    const int q = r / 4 * 4;
    const int row = subgroupShuffle(rows[q / LANES_N].result, first_of_m + uint(q % LANES_N)) + r % 4;
    const bool wanted = r % 4 < subgroupShuffle(rows[q / LANES_N].count, first_of_m + uint(q % LANES_N));
#endif
    if (wanted) [[unroll]] for (int j = 0; j < 2; ++j) store(work, row, n + j * 4 * LANES_N, total[r][j]);
  }
}
