/// Mixed precision: which tensors of a program may be stored in 16 bits while everything is computed in float32.
#pragma once
#include <vector>

#include "common/planning.hpp"

namespace lamina::vulkan {

/// Activations and their gradients: temporaries of float32 that only products, pools and maps make and read. What changes the state
/// (gradients of weights, statistics) and what the host sees stays as it is. Source: Micikevicius et al. 2018, "Mixed precision training".
std::vector<const Value*> narrow_values(const backends::Planning& planning, const Program& program);

}  // namespace lamina::vulkan
