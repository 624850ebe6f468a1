#include "plugin/registry.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/nearest.hpp"
#include "base/text.hpp"
#include "plugin/load.hpp"
#include "plugin/permissions.hpp"

namespace lamina {
namespace fs = std::filesystem;
namespace {

struct Kind {
  const char *name, *folder;
};
constexpr Kind all_kinds[] = {
    {"layer", "layers"},         {"loss", "losses"},        {"metric", "metrics"},       {"initializer", "initializers"},
    {"optimizer", "optimizers"}, {"schedule", "schedules"}, {"transform", "transforms"}, {"dataset", "datasets"},
    {"backend", "backends"}};

/// What lies in a folder that this user may list and not everyone may write to.
std::vector<fs::path> entries(const fs::path& folder) {
  check_folder_rights(folder);
  std::vector<fs::path> paths;
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) paths.push_back(entry->path());
  if (failed) throw PluginError("The plugin folder " + in_quotes(folder.string(), 400) + " cannot be read: " + failed.message() + ".");
  return paths;
}

/// Folders of the search path, each once, by its real name.
class SearchPath {
 public:
  /// A folder that is not there is left out; false then.
  bool add(const fs::path& folder) {
    std::error_code failed;
    const fs::path real = fs::canonical(folder, failed);
    if (failed == std::errc::permission_denied)
      throw PluginError("The plugin folder " + in_quotes(folder.string(), 400) + " cannot be reached: " + failed.message() +
                        "; the folders above it want the right x for you.");
    if (failed || !fs::is_directory(real, failed)) return false;
    if (std::find(folders.begin(), folders.end(), real) == folders.end()) folders.push_back(real);
    return true;
  }
  void add_built_in() {
    std::error_code failed;
    const fs::path program = fs::read_symlink("/proc/self/exe", failed).parent_path();
    if (!program.empty())
      for (const char* beside : {"plugins", "../plugins", "../lib/lamina/plugins"}) add(program / beside);
  }
  std::vector<fs::path> folders;
};

}  // namespace

std::vector<fs::path> built_in_plugin_folders() {
  SearchPath path;
  path.add_built_in();
  return path.folders;
}

std::vector<fs::path> plugin_folders(const std::vector<std::string>& given) {
  SearchPath path;
  for (auto& folder : given)
    if (!path.add(folder)) throw PluginError("The plugin path " + in_quotes(folder, 400) + " is no folder.");
  if (const char* listed = std::getenv("LAMINA_PLUGIN_PATH"); listed && *listed) {
    std::string rest = listed;
    while (!rest.empty()) {
      const std::string entry = rest.substr(0, rest.find(':'));
      rest.erase(0, entry.size() + 1);
      if (entry.empty()) continue;
      if (entry[0] != '/')
        throw PluginError("LAMINA_PLUGIN_PATH has the entry " + in_quotes(entry, 400) + "; wanted absolute folders, separated by colons.");
      path.add(entry);
    }
  }
  path.add_built_in();
  return path.folders;
}

Registry::Registry(std::vector<fs::path> folders) : folders_(std::move(folders)) {}

const std::vector<std::string>& Registry::kinds() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (auto& kind : all_kinds) all.emplace_back(kind.name);
    return all;
  }();
  return names;
}

std::string Registry::folder_of(const std::string& kind) {
  for (auto& known : all_kinds)
    if (kind == known.name) return known.folder;
  throw std::logic_error("no kind of plugin is called " + kind);
}

std::vector<PluginFile> Registry::list() const {
  std::vector<PluginFile> found;
  for (auto& root : folders_)
    for (auto& folder : entries(root)) {
      std::error_code failed;
      if (!fs::is_directory(folder, failed)) continue;
      std::string kind;
      for (auto& known : all_kinds)
        if (folder.filename() == known.folder) kind = known.name;
      for (auto& file : entries(folder))
        if (file.extension() == ".so") found.push_back({kind, file.stem().string(), file});
    }
  std::sort(found.begin(), found.end(),
            [](const PluginFile& a, const PluginFile& b) { return std::tie(a.kind, a.name, a.file) < std::tie(b.kind, b.name, b.file); });
  return found;
}

std::vector<std::string> Registry::names(const std::string& kind) {
  std::vector<std::string> names;
  for (auto& file : list())
    if (file.kind == kind && (names.empty() || names.back() != file.name)) names.push_back(file.name);
  return names;
}

const Descriptor& Registry::find(const std::string& kind, const std::string& name) {
  if (const auto known = loaded_.find({kind, name}); known != loaded_.end()) return known->second;
  std::vector<fs::path> files;
  for (auto& file : list())
    if (file.kind == kind && file.name == name) files.push_back(file.file);
  if (files.size() > 1)
    throw PluginError("The " + kind + " " + in_quotes(name) + " exists twice: " + in_quotes(files[0].string(), 400) + " and " +
                      in_quotes(files[1].string(), 400) + "; remove or rename one.");
  if (files.empty()) {
    std::vector<std::string> searched;
    for (auto& folder : folders_) searched.push_back(folder.string());
    std::string hint = did_you_mean(name, names(kind));
    throw PluginError("There is no " + kind + " called " + in_quotes(name) + (hint.empty() ? "." : hint) + " Plugins were searched in " +
                      (searched.empty() ? "no folder" : joined(searched)) + ".");
  }
  return loaded_[{kind, name}] = load_plugin(files[0], kind, name);
}

std::vector<const Descriptor*> Registry::loaded() const {
  std::vector<const Descriptor*> all;
  for (auto& [key, descriptor] : loaded_) all.push_back(&descriptor);
  return all;
}

}  // namespace lamina
