/// What is known of a pool elsewhere in a program.
#pragma once
#include "common/planning.hpp"

namespace lamina::vulkan {

/// The max_pool of a tensor of shape `full` whose winners these positions are; null where that is not to be seen.
const Op* pool_of(const backends::Planning& p, const Value& positions, const Shape& full);

}  // namespace lamina::vulkan
