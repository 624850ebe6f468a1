/// Suggestions for a misspelt name.
#pragma once
#include <span>
#include <string>

namespace lamina {

/// The name nearest to `word` by edit distance (insert, delete, replace, swap of neighbours), the first of equals;
/// "" when none is near, that is within a third of the longer length and at least one edit.
std::string nearest(const std::string& word, std::span<const std::string> names);

/// `; did you mean "x"?` for the nearest name, or "" when none is near: made to stand at the end of a message.
std::string did_you_mean(const std::string& word, std::span<const std::string> names);

}  // namespace lamina
