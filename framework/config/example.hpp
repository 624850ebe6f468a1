/// A plugin's documented example as it stands in an experiment.
#pragma once
#include <string>

#include "config/descriptor.hpp"
#include "config/json.hpp"

namespace lamina {

/// The plugin's object in an experiment: its name, the settings of its example, and what the file wants beside them (the learning rate of
/// an optimizer, the inputs of a layer that reads several). null where the plugin has no example that the file would take.
Json example_of(const Descriptor& plugin);

/// The same where it belongs: `"layers": [{"type": "relu"}]`; "" where there is none.
std::string example_text(const Descriptor& plugin);

}  // namespace lamina
