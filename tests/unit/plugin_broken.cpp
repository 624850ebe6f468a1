// A broken library is refused in one sentence that names the file and the reason, and harms neither this process nor the program.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>

#include "base/files.hpp"
#include "base/sanitized.hpp"
#include "plugin/registry.hpp"
#include "support/environment.hpp"
#include "support/process.hpp"

using namespace lamina;
using namespace lamina::test;
namespace fs = std::filesystem;

namespace {

const fs::path folder = LAMINA_TEST_PLUGINS "/broken_case";

struct Case {
  std::string name, reason;
};

/// From the lines of the source that the libraries are built of.
std::vector<Case> cases() {
  std::vector<Case> all;
  std::ifstream source(fs::path(LAMINA_SOURCE) / "tests/plugins/broken.cpp");
  const std::regex line_of_case("// case ([a-z0-9_]+): (.*)");
  std::smatch parts;
  for (std::string line; std::getline(source, line);)
    if (std::regex_match(line, parts, line_of_case)) all.push_back({parts[1], parts[2]});
  if (sanitized)
    std::erase_if(all, [](const Case& c) { return c.reason.find("memory") != c.reason.npos || c.name.find("8_gb") != c.name.npos; });
  return all;
}
fs::path file_of(const Case& c) { return folder / "layers" / (c.name + ".so"); }

/// Those that never end are not waited for long; others have all the time they want on a busy machine.
Variable limit_for(const Case& c) { return {"LAMINA_PLUGIN_SECONDS", c.reason.starts_with("was still running") ? "0.1" : "60"}; }

void check_sentence(const std::string& text, const Case& c, const fs::path& file) {
  CAPTURE(c.name);
  CAPTURE(text);
  CHECK(text.starts_with("The plugin \"" + file.string() + "\" "));
  CHECK(text.find('\n') == text.npos);
  CHECK(text.ends_with("."));
  if (sanitized && c.reason.find("SIG") != c.reason.npos) return;
  CHECK(text.find(c.reason) != text.npos);
}

std::string refusal(Registry& registry, const std::string& name) {
  try {
    registry.find("layer", name);
  } catch (const PluginError& e) {
    CHECK(e.exit == Exit::plugin);
    return e.what();
  }
  return "it was loaded";
}

}  // namespace

TEST_CASE("broken libraries are refused, and this process lives on") {
  Registry registry({folder, LAMINA_PLUGINS});
  const auto all = cases();
  CHECK(all.size() >= 60);
  CHECK(std::distance(fs::directory_iterator(folder / "layers"), {}) >= std::ptrdiff_t(all.size()));
  for (const Case& c : all) {
    const Variable limit = limit_for(c);
    check_sentence(refusal(registry, c.name), c, file_of(c));
  }
  CHECK(registry.loaded().empty());
  CHECK(registry.find("layer", "dense").name == "dense");
}

TEST_CASE("broken libraries are refused by the program with exit code 4") {
  for (const Case& c : cases()) {
    const Variable limit = limit_for(c);
    const Finished f = run_program(LAMINA_PROGRAM, {"plugins", "describe", "layer", c.name, "--plugin-path", folder});
    CHECK(f.exit == 4);
    CHECK(f.out == "");
    REQUIRE(f.err.starts_with("error: "));
    check_sentence(f.err.substr(7, f.err.size() - 8), c, file_of(c));
  }
}

TEST_CASE("one broken library does not keep the others from being listed") {
  const Variable limit("LAMINA_PLUGIN_SECONDS", "0.1");
  const Folder mixed;
  fs::create_directory(mixed.path() / "layers");
  for (const char* name : {"crash_at_load", "loops_at_load"})
    fs::copy(folder / "layers" / (std::string(name) + ".so"), mixed.path() / "layers");
  const Finished f = run_program(LAMINA_PROGRAM, {"plugins", "list", "--plugin-path", mixed.path()});
  CHECK(f.exit == 0);
  for (const char* part : {"conv", "crash_at_load", "loops_at_load", "What cannot be loaded, and why"})
    CHECK(f.out.find(part) != f.out.npos);
}

TEST_CASE("files that are no libraries are refused by the program, and what is repaired loads") {
  const Folder own;
  const fs::path file = own.path() / "layers/gated.so";
  fs::create_directory(own.path() / "layers");
  const std::string whole = read_file(LAMINA_TEST_PLUGINS "/layers/gated.so", 1 << 26);
  const auto describe = [&] { return run_program(LAMINA_PROGRAM, {"plugins", "describe", "layer", "gated", "--plugin-path", own.path()}); };
  const auto refused = [&](const std::string& reason) {
    const Finished f = describe();
    CAPTURE(f.err);
    CHECK(f.exit == 4);
    CHECK(f.err.starts_with("error: The plugin \"" + file.string() + "\" "));
    CHECK(f.err.find(reason) != f.err.npos);
    CHECK(f.err.ends_with(".\n"));
    fs::remove_all(file);
  };
  const auto write = [&](std::string bytes, std::initializer_list<std::pair<size_t, char>> changes = {}) {
    for (auto& [at, byte] : changes) bytes[at] = byte;
    own.write("layers/gated.so", bytes);
  };
  write("#!/bin/sh\necho hello\n"), refused("is no shared library (no ELF file)");
  write(""), refused("is no shared library (no ELF file)");
  write(whole, {{1, 'F'}}), refused("is no shared library (no ELF file)");
  write(whole, {{4, 1}}), refused("is no 64-bit library");
  write(whole, {{5, 2}}), refused("is made for a machine with another byte order");
  write(whole, {{18, 21}}), refused("is made for 64-bit PowerPC, this machine is");
  write(whole, {{16, 2}}), refused("is no shared library (another type of ELF file)");
  for (size_t k = 1; k <= 20; ++k) write(whole.substr(0, whole.size() * k / 21)), refused("is cut off or damaged");
  fs::create_directory(file), refused("is a folder, not a regular file");
  fs::create_symlink("nowhere", file), refused("cannot be read: No such file or directory");
  REQUIRE(mkfifo(file.c_str(), 0600) == 0);
  refused("is not a regular file");
  write(whole);
  CHECK(describe().exit == 0);
}
