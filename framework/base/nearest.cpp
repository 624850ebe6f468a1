#include "base/nearest.hpp"

#include <algorithm>
#include <vector>

namespace lamina {
namespace {

// Names from hostile files may be long and many: beyond this length nobody has misspelt anything.
constexpr size_t longest_word = 128;

/// Optimal string alignment distance (Damerau 1964, each part edited once), by three rolling rows.
size_t edit_distance(const std::string& a, const std::string& b, std::vector<size_t>& before, std::vector<size_t>& above,
                     std::vector<size_t>& row) {
  before.assign(b.size() + 1, 0), above.resize(b.size() + 1), row.resize(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above), std::swap(above, row);
  }
  return above[b.size()];
}

}  // namespace

std::string nearest(const std::string& word, std::span<const std::string> names) {
  if (word.size() > longest_word) return "";
  const std::string* best = nullptr;
  size_t best_distance = 0;
  std::vector<size_t> before, above, row;
  for (const std::string& name : names) {
    if (name.size() > longest_word) continue;
    const size_t allowed = std::max<size_t>(1, std::max(word.size(), name.size()) / 3);
    const size_t gap = word.size() > name.size() ? word.size() - name.size() : name.size() - word.size();
    if (gap > allowed) continue;
    const size_t distance = edit_distance(word, name, before, above, row);
    // A distance as long as the name would turn any short name into any other.
    if (distance > allowed || distance >= std::max(word.size(), name.size())) continue;
    if (!best || distance < best_distance) best = &name, best_distance = distance;
  }
  return best ? *best : "";
}

std::string did_you_mean(const std::string& word, std::span<const std::string> names) {
  const std::string name = nearest(word, names);
  return name.empty() ? "" : "; did you mean \"" + name + "\"?";
}

}  // namespace lamina
