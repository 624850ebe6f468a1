/// Brings a library into this process, for good.
#pragma once
#include <lamina/abi.h>

#include <string>

namespace lamina {

/// What the entry of a library gives, which may be null. Its static initialisers run, and its entry: what they do to the process, they do.
/// `loadable`: an absolute path. std::runtime_error with the end of a sentence when the system's loader refuses it, or when its code
/// throws.
const lamina_plugin* open_library(const std::string& loadable);

/// The one symbol that a plugin exports.
constexpr const char* plugin_entry = "lamina_plugin_v1";

}  // namespace lamina
