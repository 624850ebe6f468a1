/// What a shared library says of itself, read before any of its code can run.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace lamina {

/// Names of the symbols that a shared library offers to others, in the order of its table. `bytes` is the whole file; nothing in it is
/// trusted. std::runtime_error for whatever the loader of this machine could not map whole: no ELF, another architecture, no shared
/// library, headers, segments, sections or names outside of the file (a file cut off anywhere). Texts are the end of a sentence: "is no
/// 64-bit ELF file".
std::vector<std::string> exported_symbols(std::string_view bytes);

}  // namespace lamina
