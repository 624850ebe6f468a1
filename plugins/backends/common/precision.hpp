/// Mixed precision: which tensors of a program may be stored in 16 bits while everything is computed in float32. Activations and their
/// gradients; what the state changes by (gradients of weights, statistics) and what the host sees stays as it is. Source: Micikevicius et
/// al. 2018, "Mixed precision training".
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

/// The temporaries of float32 that only such kernels make and read, that are matrices at least, of 1,024 elements or more (below, nothing
/// is gained), and that `fits` allows. Left out are what 16 bits would spoil:
/// - whole numbers (labels, ids, coordinates), known by what they are made of, integers, and by what becomes of them;
/// - gradients of parameters on their way to the update, however many maps lie between.
std::vector<const Value*> narrow_values(
    const Program& program, const std::function<Reach(const Op&)>& reach,
    const std::function<bool(const Value&)>& fits = [](const Value&) { return true; });

}  // namespace lamina::backends
