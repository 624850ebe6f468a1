/// oneDNN behind a narrow door: its header is read by one file only. Primitives are made once, their argument lists too.
#pragma once
#include <string>

#include "lowering.hpp"

namespace lamina::cpu {

enum class ConvPass { forward, backward_data, backward_weights };

/// A convolution of channels-last tensors; weights [filters, kernel…, channels/groups] in memory. Lists have one entry per spatial axis.
struct ConvShape {
  int64_t batch, channels, filters, groups;
  Shape in, out, kernel, stride, dilation, low, high;
};

/// Add oneDNN's step with the reorders it needs; false, and nothing is added, where oneDNN has only its reference loops. `x`, `w`, `y`:
/// input (or its gradient), weights (or their gradient), output (or its gradient). `product`: what is multiplied, float32 or bfloat16;
/// sums are float32.
bool add_onednn_conv(Lowering& l, ConvPass pass, const ConvShape& shape, DType product, const Operand& x, const Operand& w,
                     const Operand& y);
bool add_onednn_matmul(Lowering& l, const MatmulShape& shape, DType product, const Operand& a, const Operand& b, const Operand& c);

/// How oneDNN multiplies bfloat16 on this processor.
enum class Bfloat16 { none, emulated, native };
Bfloat16 onednn_bfloat16();

std::string onednn_version();

}  // namespace lamina::cpu
