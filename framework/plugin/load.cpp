// The only source that knows Boost.DLL.
#define BOOST_DLL_USE_STD_FS
#include "plugin/load.hpp"

#include <algorithm>
#include <boost/dll/shared_library.hpp>
#include <cstdlib>
#include <functional>

#include "base/files.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"
#include "plugin/describe.hpp"
#include "plugin/elf.hpp"
#include "plugin/registry.hpp"

namespace lamina {
namespace {

constexpr size_t largest_library = size_t(1) << 30;
constexpr const char *entry = "lamina_plugin_v1", *entry_stem = "lamina_plugin_v";
static_assert(LAMINA_MAJOR == 1, "the major version is part of the entry's name");

/// The version in the name of the one symbol is looked at before the library's static initialisers can run.
void check_entry(const std::vector<std::string>& symbols) {
  if (std::find(symbols.begin(), symbols.end(), entry) != symbols.end()) return;
  for (auto& symbol : symbols)
    if (symbol.rfind(entry_stem, 0) == 0)
      throw std::runtime_error("is made for version " + escaped(symbol.substr(std::string_view(entry_stem).size())) +
                               " of the plugin interface, this program has version " + std::to_string(LAMINA_MAJOR) +
                               "; build it again with this version's headers");
  throw std::runtime_error(std::string("is no Lamina plugin: it does not export ") + entry);
}

/// How long the threads of GCC's OpenMP look for work before they sleep, unless the user has said so. Its own 3 ms are fastest on a machine
/// with nothing else to do; with one busy process beside them, each wait for a thread that is not running costs a time slice (measured on
/// two cores: a 1.2 ms step takes 60 ms and more). About 20 µs cost at most 2 % there and end most of that (10 to 20 ms). The library reads
/// it when the first plugin brings it in, so no plugin can say it.
void sleep_when_idle() {
  if (!std::getenv("OMP_WAIT_POLICY")) setenv("GOMP_SPINCOUNT", "2000", 0);
}

/// The entry of a library that has been checked; it stays mapped for the life of the process.
const lamina_plugin* mapped(const std::filesystem::path& file) {
  // Never destroyed: a library that is unloaded while something still points into it ends the process.
  static auto& libraries = *new std::vector<boost::dll::shared_library>;
  using namespace boost::dll;
  static const bool told = (sleep_when_idle(), true);
  (void)told;
  std::function<const lamina_plugin*()> get;
  try {
    libraries.emplace_back(file, load_mode::rtld_now | load_mode::rtld_local);
    get = libraries.back().get<const lamina_plugin*()>(entry);
  } catch (const std::exception& e) {
    throw std::runtime_error(std::string("is refused by the system: ") + escaped(e.what()));
  }
  return get();
}

}  // namespace

Descriptor load_plugin(const std::filesystem::path& file, const std::string& kind, const std::string& name) {
  std::string bytes;
  try {
    bytes = read_file(file, largest_library);
  } catch (const std::exception& e) {
    throw PluginError(std::string("A plugin cannot be read. ") + e.what());
  }
  try {
    check_entry(exported_symbols(bytes));
    Descriptor d = describe_plugin(mapped(file), kind, name);
    d.file = file.string(), d.sha256 = sha256(bytes.data(), bytes.size());
    return d;
  } catch (const std::exception& e) {
    throw PluginError("The plugin " + in_quotes(file.string(), 400) + " " + e.what() + ".");
  }
}

}  // namespace lamina
