/// Custom kernels where `Limits::report_faults` is set: what they did wrong.
#pragma once
#include "lowering.hpp"

namespace lamina::vulkan {

/// A sentence that names every fault the kernel of `op` counted in its words (Lowering::faults) in one run; empty for none.
std::string kernel_faults(const Op& op, const uint32_t* words);

}  // namespace lamina::vulkan
