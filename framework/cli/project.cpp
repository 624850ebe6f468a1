#include "cli/project.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstring>
#include <template_files.hpp>

#include "base/failure.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "plugin/registry.hpp"

namespace lamina::cli {
namespace fs = std::filesystem;
namespace {

std::string filled(std::string text, const std::vector<std::pair<std::string, std::string>>& values) {
  for (const auto& [key, value] : values) {
    const std::string place = "@" + key + "@";
    for (size_t at = 0; (at = text.find(place, at)) != text.npos; at += value.size()) text.replace(at, place.size(), value);
  }
  return text;
}

/// "my_swish2", "layer" → "MySwish2Layer". With its kind, no name is one of lamina's own or of the language's.
std::string type_name(const std::string& kind, const std::string& name) {
  std::string type;
  bool first = true;
  for (const char c : name + "_" + kind) {
    if (c != '_') type += first ? char(std::toupper(c)) : c;
    first = c == '_';
  }
  return type;
}

void write_new(const fs::path& file, const std::string& text) {
  const auto fail = [&] {
    throw Failure(Exit::failed, "The file " + in_quotes(file.string(), 400) + " cannot be written: " + std::strerror(errno) + ".");
  };
  const int to = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (to < 0) fail();
  const bool written = write_all(to, text);
  int reason = errno;
  if (::close(to) != 0 || !written) {
    if (written) reason = errno;
    ::unlink(file.c_str());
    errno = reason;
    fail();
  }
}

}  // namespace

std::vector<ProjectFile> project_files(const std::string& kind, const std::string& name) {
  const std::vector<std::pair<std::string, std::string>> values = {
      {"name", name}, {"kind", kind}, {"Type", type_name(kind, name)}, {"folder", Registry::folder_of(kind)}};
  const auto file = [&](const std::string& as, const std::string& from) {
    for (const auto& [name_of_template, text] : template_files)
      if (from == name_of_template) return ProjectFile{as, filled(text, values)};
    throw std::logic_error("there is no template " + from);
  };
  return {file(name + ".cpp", kind + ".cpp.in"), file("CMakeLists.txt", "CMakeLists.txt.in"), file("experiment.json", kind + ".json.in"),
          file("README.md", "README.md.in")};
}

void write_project(const fs::path& folder, const std::vector<ProjectFile>& files) {
  std::vector<fs::path> made;  // in order; taken back from the end
  try {
    std::vector<fs::path> missing;
    for (fs::path above = fs::absolute(folder).lexically_normal(); !fs::exists(above); above = above.parent_path())
      missing.push_back(above);
    for (; !missing.empty(); missing.pop_back())
      if (fs::create_directory(missing.back())) made.push_back(missing.back());
    for (const ProjectFile& file : files) {
      write_new(folder / file.name, file.text);
      made.push_back(folder / file.name);
    }
  } catch (...) {
    std::error_code ignored;
    for (; !made.empty(); made.pop_back()) fs::remove(made.back(), ignored);
    try {
      throw;
    } catch (const fs::filesystem_error& e) {
      throw Failure(Exit::failed, "The folder " + in_quotes(folder.string(), 400) + " cannot be made: " + e.code().message() + ".");
    }
  }
}

}  // namespace lamina::cli
