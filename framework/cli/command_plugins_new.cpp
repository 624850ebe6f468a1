#include <unistd.h>

#include <cstdlib>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/format.hpp"
#include "cli/project.hpp"

namespace lamina::cli {
namespace {

namespace fs = std::filesystem;

/// Everything that speaks against it, a sentence each.
std::vector<std::string> objections(const Context& context, const fs::path& folder, const std::vector<ProjectFile>& files) {
  const Arguments& a = context.arguments;
  std::vector<std::string> all;
  if (!is_name(a.name))
    all.push_back(in_quotes(a.name) + " is no name for a plugin; wanted lower case letters, digits and _, with a letter first.");
  for (const PluginFile& other : context.registry.list())
    if (other.kind == *a.kind && other.name == a.name)
      all.push_back("The " + other.kind + " " + in_quotes(a.name) + " exists already: " + in_quotes(other.file.string(), 400) + ".");
  std::error_code failed;
  if (const fs::file_status status = fs::status(folder, failed); fs::exists(status) && !fs::is_directory(status))
    all.push_back(in_quotes(folder.string(), 400) + " is no folder.");
  for (const ProjectFile& file : files)
    if (fs::exists(fs::symlink_status(folder / file.name, failed)))
      all.push_back("There is a file " + in_quotes((folder / file.name).string(), 400) + " already, and it is left as it is.");
  return all;
}

/// How this program is started from here: "lamina" where the search path leads to it, else its file.
std::string own_command(const fs::path& program) {
  std::error_code failed;
  const char* path = std::getenv("PATH");
  for (std::string rest = path ? path : ""; !rest.empty();) {
    const fs::path candidate = fs::path(rest.substr(0, rest.find(':'))) / "lamina";
    rest.erase(0, std::min(rest.find(':'), rest.size() - 1) + 1);
    if (::access(candidate.c_str(), X_OK) == 0) return fs::equivalent(candidate, program, failed) ? "lamina" : shell_word(program.string());
  }
  return shell_word(program.string());
}

/// What comes next: build it, prove it, train with it.
std::vector<std::string> next_commands(const Arguments& a, const fs::path& folder) {
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed), prefix = program.parent_path().parent_path();
  const std::string lamina = own_command(program);
  const std::string source = shell_word(folder.string()), build = shell_word((folder / "build").string()),
                    plugins = shell_word((folder / "build/plugins").string());
  // CMake itself looks for packages beside the folders of the search path.
  const bool told = lamina != "lamina" && fs::exists(prefix / "lib/cmake/Lamina", failed);
  return {"cmake -S " + source + " -B " + build + " -G Ninja" + (told ? " -DCMAKE_PREFIX_PATH=" + shell_word(prefix.string()) : "") +
              " && cmake --build " + build,
          lamina + " plugins check " + shell_word((folder / "build/plugins" / Registry::folder_of(*a.kind) / (a.name + ".so")).string()),
          lamina + " run " + shell_word((folder / "experiment.json").string()) + " --plugin-path " + plugins};
}

}  // namespace

int plugins_new_command(Context& context) {
  const Arguments& a = context.arguments;
  Console& console = context.console;
  const fs::path folder = (a.folder ? *a.folder : fs::path(a.name)).lexically_normal();
  const std::vector<ProjectFile> files = project_files(*a.kind, a.name);
  if (const auto against = objections(context, folder, files); !against.empty())
    throw Failure(Exit::usage, joined(against, "\n") + (against.size() > 1 ? "\n" : " ") + "Nothing was written.");
  write_project(folder, files);
  const std::vector<std::string> commands = next_commands(a, folder);
  if (console.json) {
    Json written = Json::array(), next = Json::array(), j = Json::object();
    for (const ProjectFile& file : files) written.push_back(file.name);
    for (const std::string& command : commands) next.push_back(command);
    j.set("folder", folder.string()), j.set("files", std::move(written)), j.set("next", std::move(next));
    console.document(j);
    return 0;
  }
  std::vector<std::string> names;
  for (const ProjectFile& file : files) names.push_back(file.name);
  console.out << "Made the " + *a.kind + " " + console.out_terminal.bold(a.name) + " in " + escaped(folder.string()) + ": " +
                     joined(names) + ".\nNext: build it, prove it, train with it.\n\n";
  for (const std::string& command : commands) console.out << "  " + command + "\n";
  return 0;
}

}  // namespace lamina::cli
