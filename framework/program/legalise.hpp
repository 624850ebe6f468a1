/// What a backend refuses is decomposed.
#pragma once
#include <functional>

#include <lamina/abi_backend.h>

#include "graph/graph.hpp"

namespace lamina::program {

using Claims = std::function<bool(const lamina_program_op&, const lamina_program_value*)>;

struct LegaliseReport {
  std::vector<std::string> claimed, decomposed;  ///< composites: "bn1: normalize"
};

/// What a plugin's kernel has bodies for, or has none for: of "CPU float32", "CPU float64" and "GLSL".
std::vector<std::string> kernel_bodies(const lamina_kernel& kernel, bool there);

/// Replaces every composite that `claims` refuses by its decomposition. Throws ErrorAt for what then remains and is
/// refused: an op, or a kernel without the body that the backend wants. Rewrites `roots` and the states' current versions.
LegaliseReport legalise(graph::Graph& g, std::vector<graph::ValueId>& roots, const Claims& claims, const std::string& backend);

}  // namespace lamina::program
