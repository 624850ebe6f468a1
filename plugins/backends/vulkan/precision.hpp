/// Mixed precision: which tensors of a program are stored in 16 bits; see common/precision.hpp.
#pragma once
#include <vector>

#include "common/planning.hpp"

namespace lamina::vulkan {

/// Temporaries that only products, pools and maps make and read.
std::vector<const Value*> narrow_values(const backends::Planning& planning, const Program& program);

}  // namespace lamina::vulkan
