/// Convolutions on three axes, and the kernel for those that are no products.
#pragma once
#include "gemm.hpp"

namespace lamina::vulkan {

/// Missing axes stand in front with extent 1.
struct Conv {
  int64_t images, channels, filters, groups;
  Axes in, out, kernel, stride, low, dilation;
  int64_t group_channels() const { return channels / groups; }
  int64_t group_filters() const { return filters / groups; }
};

enum class ConvPass { forward, backward_data, backward_weights };

/// Groups of so few channels and filters that products would be padding for the most part.
inline bool is_direct(const Conv& c) { return c.groups > 1 && c.group_channels() <= 4 && c.group_filters() <= 4; }
/// Operands and result of the op, in its order; weights are [tap, channel of the group, filter].
void add_direct_conv(Lowering& l, const Op& op, ConvPass pass, const Conv& c, Stored first, Stored second, Stored result);

}  // namespace lamina::vulkan
