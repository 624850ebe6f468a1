/// Finds plugins in folders and loads those that are asked for. A folder of the search path has one folder per kind: layers/conv.so is the
/// layer "conv".
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/failure.hpp"
#include "config/descriptor.hpp"

namespace lamina {

/// A plugin that cannot be had; ends the program with exit code 4.
struct PluginError : Failure {
  explicit PluginError(const std::string& sentence) : Failure(Exit::plugin, sentence) {}
};

/// A library that lies in the search path; whether it is a good plugin is known only when it is loaded.
struct PluginFile {
  std::string kind;  ///< "layer", …; "" where the folder belongs to no kind that this program knows
  std::string name;  ///< the file's stem
  std::filesystem::path file;
};

/// Where plugins are searched: `given` (--plugin-path; each must be a folder), the entries of LAMINA_PLUGIN_PATH (absolute, separated by
/// colons), then beside the program: plugins, ../plugins (the build folder) and ../lib/lamina/plugins (installed). Never the current
/// folder. Each folder once; entries of the environment that are not there are left out. PluginError where an entry is not as wanted.
std::vector<std::filesystem::path> plugin_folders(const std::vector<std::string>& given = {});

/// Of these, the ones beside the program alone.
std::vector<std::filesystem::path> built_in_plugin_folders();

/// Loads lazily and never unloads: what a plugin points to lives as long as the process. Used from one thread at a time.
class Registry : public Catalogue {
 public:
  explicit Registry(std::vector<std::filesystem::path> folders = plugin_folders());
  /// All names of one kind, sorted, without loading anything. PluginError, here and below, names a folder that this user may not read, or
  /// everyone may write to.
  std::vector<std::string> names(const std::string& kind) override;
  /// PluginError: no such plugin (with the nearest name and where it was searched), two files of one name (names both), or a library that
  /// is refused (why). A failure is not remembered: a file that was repaired loads at the next call.
  const Descriptor& find(const std::string& kind, const std::string& name) override;
  /// Every library of the search path, by kind and name; nothing is loaded.
  std::vector<PluginFile> list() const;
  /// What has been loaded so far, for the record.
  std::vector<const Descriptor*> loaded() const;
  const std::vector<std::filesystem::path>& folders() const { return folders_; }
  /// "layer", "loss", …: all kinds that this program knows.
  static const std::vector<std::string>& kinds();
  /// "layer" → "layers": the folder that plugins of a kind lie in. std::logic_error for an unknown kind.
  static std::string folder_of(const std::string& kind);

 private:
  std::vector<std::filesystem::path> folders_;
  std::map<std::pair<std::string, std::string>, Descriptor> loaded_;  // by kind and name; nodes stay where they are
};

}  // namespace lamina
