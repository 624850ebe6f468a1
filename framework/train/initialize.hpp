/// First values of the state: from the initializers, the experiment's choice before the layer's own.
#pragma once
#include <vector>

#include "config/experiment.hpp"
#include "program/session.hpp"

namespace lamina {

/// The values of one tensor, row-major float64; a function of (seed, path, shape, initializer) alone, so equal on every backend.
std::vector<double> initial_values(const program::StateInfo& tensor, const PluginConfig* chosen, uint64_t seed, Catalogue& catalogue);

/// Fills the whole state of a session.
void initialize(program::Session& session, const Experiment& experiment, Catalogue& catalogue);

/// Writes float64 values into a float32 or float64 tensor of the state, and back.
void write_values(program::Session& session, size_t entry, const std::vector<double>& values);

}  // namespace lamina
