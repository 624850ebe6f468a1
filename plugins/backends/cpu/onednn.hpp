/// oneDNN behind a narrow door: its header is read by one file only. Primitives are made once, their argument lists too.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include <lamina/dtype.hpp>

#include "step.hpp"

namespace lamina::cpu {

/// Bytes that a primitive needs during the call; `take` answers where they are.
using TakeScratch = Place (*)(void* lowering, uint64_t bytes);

enum class ConvPass { forward, backward_data, backward_weights };

/// A convolution of channels-last tensors; weights [filters, kernel…, channels/groups] in memory. Lists have one entry per spatial axis.
struct ConvShape {
  int64_t batch, channels, filters, groups;
  Shape in, out, kernel, stride, dilation, low, high;
};

/// C[b] = A[b] · B[b]; strides in elements; C dense.
struct MatmulShape {
  int64_t batch, m, n, k, am, ak, bk, bn;
};

/// The steps of a oneDNN call with its reorders; null where oneDNN has only its reference loops. `x`, `w`, `y`: input (or its gradient),
/// weights (or their gradient), output (or its gradient). Scratch is asked for while planning and compiling alike; `make` says whether the
/// step is wanted.
struct OnednnCall {
  std::unique_ptr<Step> step;
  bool supported = false;
  std::string implementation;
};
OnednnCall onednn_conv(ConvPass pass, const ConvShape& shape, Place x, Place w, Place y, void* lowering, TakeScratch scratch, bool make);
OnednnCall onednn_matmul(const MatmulShape& shape, Place a, Place b, Place c, void* lowering, TakeScratch scratch, bool make);

std::string onednn_version();

}  // namespace lamina::cpu
