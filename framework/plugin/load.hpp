/// Loads one library: checked before any of its code runs, then mapped for the life of the process.
#pragma once
#include <filesystem>

#include "config/descriptor.hpp"

namespace lamina {

/// Kind and name are those it must have; "" takes any. PluginError with a sentence that names the file and the reason: no regular file, no
/// library of this machine, cut off, made for another version of the interface, no plugin, refused by the system's loader, or a description
/// that does not hold.
Descriptor load_plugin(const std::filesystem::path& file, const std::string& kind, const std::string& name);

}  // namespace lamina
