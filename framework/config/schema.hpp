/// The JSON Schema of experiment files, for editors.
#pragma once
#include <string>
#include <vector>

#include "config/descriptor.hpp"
#include "config/json.hpp"

namespace lamina {

/// A draft-07 schema of experiment files that name plugins of `catalogue`: it takes what load_experiment takes and refuses what can be told
/// to be wrong of a file without resolving names or shapes (integers are numbers: 3.0 passes, as JSON Schema has it). Plugins that do not
/// load are left out; their sentences are put into `left_out`. The same plugins give the same bytes.
Json experiment_schema(Catalogue& catalogue, std::vector<std::string>& left_out);

}  // namespace lamina
