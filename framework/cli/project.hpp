/// The project that `lamina plugins new` writes: a plugin with everything that building, proving and training with it takes.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace lamina::cli {

struct ProjectFile {
  std::string name, text;
};

/// The files of a new plugin: name.cpp, CMakeLists.txt, experiment.json, README.md; from framework/templates. `kind` is one of
/// Registry::kinds(), `name` a plugin's name.
std::vector<ProjectFile> project_files(const std::string& kind, const std::string& name);

/// Writes all of them into `folder`, which is made with what lies above it; or, where one cannot be written, nothing. Existing files are
/// never touched: one of the same name is a Failure, as is all else that goes wrong.
void write_project(const std::filesystem::path& folder, const std::vector<ProjectFile>& files);

}  // namespace lamina::cli
