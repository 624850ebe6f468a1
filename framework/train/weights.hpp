/// Which of a run's checkpoints is looked at.
#pragma once
#include "train/run.hpp"
#include "train/run_folder.hpp"
#include "train/workbench.hpp"

namespace lamina {

/// Puts the weights that `choice` means into the session. FileError for a damaged file; Failure where there is none.
ChosenWeights load_weights(Workbench& bench, const RunFolder& folder, const WeightsChoice& choice);

}  // namespace lamina
