/// Who else could have put code into a plugin folder. Against accidents: an open folder on a shared machine, a file that cannot be read.
#pragma once
#include <sys/stat.h>

#include <filesystem>

namespace lamina {

/// PluginError when everyone may write to the folder, or when this user may not list it or reach what lies in it.
void check_folder_rights(const std::filesystem::path& folder);

/// std::runtime_error with the end of a sentence when everyone may write to the file, or when this user may not read it.
void check_file_rights(const std::filesystem::path& file, const struct stat& info);

}  // namespace lamina
