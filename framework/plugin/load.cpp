#include "plugin/load.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <stdexcept>

#include "base/running.hpp"
#include "base/text.hpp"
#include "plugin/describe.hpp"
#include "plugin/elf.hpp"
#include "plugin/image.hpp"
#include "plugin/library.hpp"
#include "plugin/registry.hpp"
#include "plugin/trial.hpp"
#include "plugin/verdicts.hpp"

namespace lamina {
namespace {

constexpr const char* entry_stem = "lamina_plugin_v";
static_assert(LAMINA_MAJOR == 1, "the major version is part of the entry's name");

/// The version in the name of the one symbol is looked at before the library's static initialisers can run.
void check_entry(const std::vector<std::string>& symbols) {
  if (std::find(symbols.begin(), symbols.end(), plugin_entry) != symbols.end()) return;
  for (auto& symbol : symbols)
    if (symbol.rfind(entry_stem, 0) == 0)
      throw std::runtime_error("is made for version " + escaped(symbol.substr(std::string_view(entry_stem).size())) +
                               " of the plugin interface, this program has version " + std::to_string(LAMINA_MAJOR) +
                               "; build it again with this version's headers");
  throw std::runtime_error(std::string("is no Lamina plugin: it does not export ") + plugin_entry);
}

/// What this process has loaded, by content. The same content is one library, wherever it lies and whoever asks.
struct Loaded {
  std::map<std::string, const lamina_plugin*> plugins;  // by SHA-256
  std::map<std::string, std::string> names;             // what the system's loader knows → SHA-256
};

const lamina_plugin* loaded(LibraryImage& image, const std::filesystem::path& file, const std::string& kind, const std::string& name) {
  static auto& all = *new Loaded;
  if (const auto known = all.plugins.find(image.sha256()); known != all.plugins.end()) return known->second;
  image.seal();
  if (!known_good(image.sha256())) {
    try_out(image, kind, name);
    image.check_unchanged();
    remember_good(image.sha256());
  }
  // The loader would give what it has loaded under this name before.
  const auto known = all.names.find(image.loadable());
  if (known != all.names.end() && known->second != image.sha256())
    throw std::runtime_error("was loaded before with another content; end this program and start it again");
  const std::string what = "the loading of the " + (kind.empty() ? "" : kind + " ") + "plugin " + in_quotes(file.string(), 400);
  const Running mark(what.c_str());
  image.check_unchanged();
  image.keep();
  const lamina_plugin* plugin = open_library(image.loadable());
  all.names[image.loadable()] = image.sha256();
  image.check_unchanged();
  return all.plugins[image.sha256()] = plugin;
}

}  // namespace

Descriptor load_plugin(const std::filesystem::path& file, const std::string& kind, const std::string& name) try {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  LibraryImage image(file);
  check_entry(exported_symbols(image.bytes()));
  Descriptor d = describe_plugin(loaded(image, file, kind, name), kind, name);
  d.file = file.string(), d.sha256 = image.sha256();
  return d;
} catch (const std::exception& e) {
  throw PluginError("The plugin " + in_quotes(file.string(), 400) + " " + e.what() + ".");
}

}  // namespace lamina
