/// Every key of the experiment file that belongs to the framework, once: parsing, suggestions, defaults and documents come from this table.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "config/descriptor.hpp"

namespace lamina {

/// The keys of one kind of object in the file.
struct Section {
  std::string path;                   ///< where it stands: "training", "network.layers[]", …; "" is the file itself
  std::string owner;                  ///< in messages: "the training section"
  std::string kind;                   ///< the plugins whose settings stand beside these keys, or ""
  std::vector<Parameter> parameters;  ///< those with a plain value
  std::vector<std::string> names;     ///< of all keys, also of those that hold objects and lists of objects
  std::vector<std::string> required;  ///< of the latter: those that must be there
};

/// std::logic_error for a path that is not in the table.
const Section& section(const std::string& path);

/// The table as Markdown: key, type, default, meaning.
std::string config_reference();

}  // namespace lamina
