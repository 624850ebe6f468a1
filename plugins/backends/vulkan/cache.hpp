/// Files that make the next start fast: compiled shaders, pipelines, tuning. Every one may be deleted, cut short or overwritten at any
/// time: what cannot be read to the last byte is as if it were not there.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lamina::vulkan {

/// FNV-1a. Source: Fowler, Noll & Vo.
uint64_t hash_of(std::string_view bytes, uint64_t seed = 0xcbf29ce484222325u);
std::string hexadecimal(uint64_t number);

/// Reads `name` from lamina/vulkan/ in $XDG_CACHE_HOME (or ~/.cache). Nothing where it is not there, damaged, or was made for another
/// `key`.
std::optional<std::string> read_cached(const std::string& name, std::string_view key);
/// Writes it whole or not at all. Failure to write is no failure: the next start is slower.
void write_cached(const std::string& name, std::string_view key, std::string_view data);

}  // namespace lamina::vulkan
