/// Bounded reading of files that nobody vouches for.
#pragma once
#include <cstddef>
#include <filesystem>
#include <string>

namespace lamina {

/// The bytes of a regular file of at most `limit` bytes. std::runtime_error with a sentence for folders, FIFOs, devices, files that cannot
/// be read, and files that are, or grow, longer. Never blocks on a FIFO.
std::string read_file(const std::filesystem::path& path, size_t limit);

}  // namespace lamina
