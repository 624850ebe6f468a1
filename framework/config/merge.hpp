/// One document out of a file, the files it extends and the overrides of the command line.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "config/faults.hpp"
#include "config/json.hpp"

namespace lamina {

/// RFC 7396: objects are merged key by key, null deletes, everything else replaces. Values keep their positions.
void merge_patch(Json& target, const Json& patch);

/// The document of `text`, merged over the files it "extends" (a text or a list, each relative to the file that names it). Cycles, missing
/// files and chains of more than 32 files are faults that name the chain. Nothing when a file could not be read as an object; `faults` says
/// why.
std::optional<Json> read_extended(const std::string& text, const std::filesystem::path& file, Faults& faults);

/// Applies `path=value`. The path is keys joined by dots; an element of a list is [index] or [name] ("network.layers[c1].filters=32"),
/// where a layer without name has its default name. Objects on the way are made when they are absent. The value is JSON, else a text; null
/// deletes the key. What is set says in faults that it comes from the override.
void apply_override(Json& document, const std::string& assignment, Faults& faults);

/// The names of the elements of a list of layers: their own, else type or block with a number that counts that type in the list.
std::vector<std::string> element_names(const Json& list);

}  // namespace lamina
