// The only source that knows Boost.DLL.
#define BOOST_DLL_USE_STD_FS
#include "plugin/library.hpp"

#include <dlfcn.h>

#include <boost/dll/shared_library.hpp>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <vector>

#include "base/text.hpp"

namespace lamina {
namespace {

/// How long the threads of GCC's OpenMP look for work before they sleep, unless the user has said so. Its own 3 ms are fastest on a machine
/// with nothing else to do; with one busy process beside them, each wait for a thread that is not running costs a time slice (measured on
/// two cores: a 1.2 ms step takes 60 ms and more). About 20 µs cost at most 2 % there and end most of that (10 to 20 ms). The library reads
/// it when the first plugin brings it in, so no plugin can say it.
void sleep_when_idle() {
  if (!std::getenv("OMP_WAIT_POLICY")) setenv("GOMP_SPINCOUNT", "2000", 0);
}

/// Runs code of the plugin; what it throws becomes the end of a sentence.
template <class Body>
auto told(const char* when, Body body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    throw std::runtime_error(std::string("wants more memory than there is when it is ") + when);
  } catch (const std::exception& e) {
    throw std::runtime_error(std::string("throws an exception when it is ") + when + ": " + in_quotes(e.what(), 400));
  } catch (...) {
    throw std::runtime_error(std::string("throws something that is no std::exception when it is ") + when);
  }
}

/// The loader's words, without the name that the library was given for it.
std::string loader_says(const std::string& loadable) {
  const char* words = dlerror();
  std::string text = words ? words : "it does not say why";
  if (text.starts_with(loadable + ": ")) text.erase(0, loadable.size() + 2);
  return escaped(text);
}

}  // namespace

const lamina_plugin* open_library(const std::string& loadable) {
  // Never destroyed: a library that is unloaded while something still points into it ends the process.
  static auto& libraries = *new std::vector<boost::dll::shared_library>;
  static const bool said = (sleep_when_idle(), true);
  (void)said;
  using boost::dll::load_mode::rtld_local, boost::dll::load_mode::rtld_now;
  libraries.emplace_back();
  std::error_code failed;
  told("loaded", [&] { libraries.back().load(loadable, failed, rtld_now | rtld_local); });
  if (failed) throw std::runtime_error("is refused by the system's loader: " + loader_says(loadable));
  if (!libraries.back().has(plugin_entry)) throw std::runtime_error(std::string("does not have ") + plugin_entry);
  const auto entry = libraries.back().get<const lamina_plugin*()>(plugin_entry);
  return told("asked what it is", entry);
}

}  // namespace lamina
