/// Inner loops, compiled once per instruction set and chosen at run time. All of them are lane-wise: the bits of an element depend neither
/// on its position nor on the number of threads. Elements of map registers are 32 bits wide: float, int32, uint32, or 0/1 for bool.
#pragma once
#include <cstddef>
#include <cstdint>

#include <lamina/dtype.hpp>

namespace lamina::cpu {

/// d[i] = f(a[i], b[i], c[i]) for i < n; d may be a, b or c.
using MapKernel = void (*)(void* d, const void* a, const void* b, const void* c, size_t n);

/// One elementwise function. Variants by which operands are one element for all i.
/// Binary: 0 none, 1 the first, 2 the second. Select: bit 0 the second, bit 1 the third. Unary: 0 only.
struct MapEntry {
  const char* name;  ///< op of the op list, then _f, _i, _u: the class of its operands
  MapKernel variants[4];
};

/// Element types as they stand in memory, seen from a 32-bit register.
enum class Stored : uint8_t { word, byte, boolean, half, brain, real64 };

/// A pool over channels-last data; all lists are [depth, height, width], padded with 1 (sizes) or 0 (padding) in front.
struct PoolShape {
  int64_t batch, channels, in[3], out[3], size[3], stride[3], low[3];
  bool count_padding;
};

/// C[m, n] = Σ_k A[m·am + k·ak] · B[k·bk + n·bn]; C dense rows of n.
struct SmallProduct {
  int64_t m, n, k, am, ak, bk, bn;
};

/// Loops over channels-last tensors as they stand in memory: of float32, or of bfloat16 that is widened as it is read and rounded (to
/// nearest, ties to even) as it is written. All tensors of a call have the one type.
struct TensorKernels {
  // Pools for outputs of batch rows [begin, end).
  void (*max_pool)(const PoolShape&, const void* x, void* y, int32_t* indices, int64_t begin, int64_t end);
  void (*max_unpool_windows)(const PoolShape&, const void* dy, const int32_t* indices, void* dx, int64_t begin, int64_t end);
  void (*average_pool)(const PoolShape&, const void* x, void* y, int64_t begin, int64_t end);
  void (*average_pool_backward)(const PoolShape&, const void* dy, void* dx, int64_t begin, int64_t end);

  // Normalization over rows [begin, end) of `channels` elements; sums are added to.
  void (*column_sums)(const void* x, int64_t begin, int64_t end, int64_t channels, double* sums);
  void (*column_squares)(const void* x, const float* mean, int64_t begin, int64_t end, int64_t channels, double* sums);
  void (*column_products)(const void* dy, const void* x, const float* mean, int64_t begin, int64_t end, int64_t channels, double* sums,
                          double* products);
  /// y = (x − mean) · scale + bias per channel.
  void (*normalize_rows)(const void* x, const float* mean, const float* scale, const float* bias, void* y, int64_t begin, int64_t end,
                         int64_t channels);
  /// dx = a · dy + b · (x − mean) + c per channel.
  void (*combine_rows)(const void* dy, const void* x, const float* mean, const float* a, const float* b, const float* c, void* dx,
                       int64_t begin, int64_t end, int64_t channels);
};

struct KernelTable {
  const char* isa;
  const MapEntry* entries;
  size_t entry_count;

  // Between memory and registers.
  void (*load)(void* to, const void* from, Stored, size_t n);                          ///< contiguous
  void (*store)(void* to, const void* from, Stored, size_t n);                         ///< contiguous
  void (*load_strided)(void* to, const void* from, Stored, int64_t stride, size_t n);  ///< stride in elements; 0 repeats
  void (*store_strided)(void* to, int64_t stride, const void* from, Stored, size_t n);
  /// Words first … first + n of a random stream (key, step, micro_batch as in RandomStream).
  void (*random)(uint32_t* to, uint64_t first, size_t n, const uint32_t* stream);

  // Reductions of registers. `kind` is LAMINA_SUM, LAMINA_MAX or LAMINA_MIN; `type` 'f', 'i' or 'u'.
  double (*fold)(const void* x, uint32_t kind, char type, size_t n);                     ///< n elements to one
  void (*gather_into)(double* sums, const void* x, uint32_t kind, char type, size_t n);  ///< sums[i] = sums[i] ∘ x[i]

  // Rows of `length` elements, `stride` apart; `log` gives log_softmax.
  void (*softmax)(const float* x, float* y, int64_t rows, int64_t length, bool log);

  // Products too small for a library call. `packed`: room for k · (n rounded up to 16) floats, 64-aligned.
  void (*small_product)(const SmallProduct&, const float* a, const float* b, float* c, float* packed);

  TensorKernels float32, bfloat16;
  const TensorKernels& of(DType stored) const { return stored == DType::bfloat16 ? bfloat16 : float32; }
};

/// The best table this machine runs. LAMINA_CPU_ISA=baseline|avx2|avx512 takes a lower one (for tests).
const KernelTable& kernels();

}  // namespace lamina::cpu
