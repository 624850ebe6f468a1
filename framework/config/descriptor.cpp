#include "config/descriptor.hpp"

#include <charconv>

namespace lamina {
namespace {

/// The port whose results are numbered, or null.
const Port* repeated(const Descriptor& plugin) {
  return !plugin.results.empty() && (plugin.results.back().flags & LAMINA_MANY) ? &plugin.results.back() : nullptr;
}

}  // namespace

std::string result_name(const Descriptor& plugin, size_t i) {
  const size_t last = plugin.results.size() - 1;
  if (i < last || !repeated(plugin)) return plugin.results.at(i).name;
  return plugin.results[last].name + "_" + std::to_string(i - last);
}

std::optional<size_t> result_number(const Descriptor& plugin, const std::string& name) {
  const Port* many = repeated(plugin);
  const size_t single = plugin.results.size() - (many ? 1 : 0);
  for (size_t i = 0; i < single; ++i)
    if (plugin.results[i].name == name) return i;
  if (!many || !name.starts_with(many->name + "_")) return std::nullopt;
  uint16_t number = 0;
  const char *begin = name.data() + many->name.size() + 1, *end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(begin, end, number);
  const bool plain = error == std::errc() && stop == end && name == result_name(plugin, single + number);  // not "part_007"
  return plain ? std::optional(single + number) : std::nullopt;
}

bool declares_results(const Descriptor& plugin, size_t count) {
  return repeated(plugin) ? count >= plugin.results.size() : count == plugin.results.size();
}

}  // namespace lamina
