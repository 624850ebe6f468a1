/// Remembers which libraries were tried out and found good, so that trying costs once.
#pragma once
#include <string>

namespace lamina {

/// True when content of this SHA-256 was found good by a program with this version of the plugin interface. Verdicts lie in
/// $XDG_CACHE_HOME/lamina/plugins (or ~/.cache), in folders and files that are this user's alone; anything else there counts for nothing.
bool known_good(const std::string& sha256);

/// Only what is good is remembered: what failed is tried again at the next call. Where there is no place to remember, nothing happens.
void remember_good(const std::string& sha256) noexcept;

}  // namespace lamina
