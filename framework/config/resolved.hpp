#pragma once
#include "config/experiment.hpp"

namespace lamina {

/// The experiment as a strict, self-contained file: see Experiment::resolved.
Json resolved(const Experiment& experiment);

}  // namespace lamina
