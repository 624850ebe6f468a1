/// Mixed precision: which tensors of a program may be stored in 16 bits while everything is computed in float32. Activations and their
/// gradients; what changes the state (gradients of weights, statistics) and what the host sees stays as it is. Source: Micikevicius et al.
/// 2018, "Mixed precision training".
#pragma once
#include <functional>
#include <vector>

#include <lamina/program.hpp>

namespace lamina::backends {

/// What a backend's kernels of one op read and write in 16 bits.
struct Reach {
  uint32_t operands = 0;  ///< bit i: operand i; the last bit stands for all further ones
  bool result = false;    ///< its first; of a map all that are not reduced
  bool together = false;  ///< these operands and the result: all of them in 16 bits, or none
};

/// The temporaries of float32 that only such kernels make and read, and that `fits` allows. Left out are whole numbers (labels, ids), which
/// 16 bits would round: what a map makes of int32 or uint32, and what a map makes integers of.
std::vector<const Value*> narrow_values(const Program& program, const std::function<bool(const Value&)>& fits,
                                        const std::function<Reach(const Op&)>& reach);

}  // namespace lamina::backends
