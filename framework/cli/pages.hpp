/// What the help pages say of each command.
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace lamina::cli {

struct Page {
  const char *usage, *brief, *doc, *examples;
};
/// By the command's words ("plugins list"); in the order of the program's help.
const std::vector<std::pair<std::string, Page>>& pages();
/// std::logic_error for a command without a page.
const Page& page(const std::string& command);

}  // namespace lamina::cli
