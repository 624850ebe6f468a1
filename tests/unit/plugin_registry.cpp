// Plugins are found by kind and name, loaded when asked for, and refused with a sentence that names file and reason.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/files.hpp"
#include "plugin/registry.hpp"

using namespace lamina;
namespace fs = std::filesystem;

namespace {

const fs::path test_plugins = LAMINA_TEST_PLUGINS;

/// A plugin folder of its own, removed in the end.
struct Folder {
  fs::path root;
  Folder() {
    std::string name = (fs::temp_directory_path() / "lamina-test-XXXXXX").string();
    root = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(root); }
  fs::path add(const fs::path& library, const std::string& kind = "layers", const std::string& name = "") {
    const fs::path to = root / kind / (name.empty() ? library.filename().string() : name + ".so");
    fs::create_directories(to.parent_path());
    fs::copy_file(test_plugins / library, to, fs::copy_options::overwrite_existing);
    return to;
  }
  std::string refusal(const std::string& name, const std::string& kind = "layer") const {
    Registry registry({root});
    try {
      registry.find(kind, name);
    } catch (const PluginError& e) {
      CHECK(e.exit == Exit::plugin);
      return e.what();
    }
    return "";
  }
};

#define CHECK_HAS(text, part) CHECK_MESSAGE(std::string(text).find(part) != std::string::npos, (text))

}  // namespace

TEST_CASE("a plugin is described by copies of its declaration") {
  Folder folder;
  const fs::path file = folder.add("layers/gated.so");
  Registry registry({folder.root});
  CHECK(registry.names("layer") == std::vector<std::string>{"gated"});
  CHECK(registry.names("loss").empty());
  const Descriptor& d = registry.find("layer", "gated");
  CHECK(&registry.find("layer", "gated") == &d);
  CHECK(registry.loaded() == std::vector<const Descriptor*>{&d});
  CHECK(d.file == file.string());
  CHECK(d.sha256.size() == 64);
  CHECK(d.version == "1.0.0");
  CHECK(d.example == R"({"beta": 1.5})");
  CHECK(d.example_shape == "[[2, 3]]");
  REQUIRE(d.parameters.size() == 1);
  CHECK(d.parameters[0].name == "beta");
  CHECK(d.parameters[0].type == LAMINA_REAL);
  CHECK(d.parameters[0].domain == "[0, inf)");
  CHECK(d.parameters[0].initial->reals == std::vector<double>{1});
  REQUIRE(d.inputs.size() == 1);
  CHECK(d.inputs[0].name == "x");
  CHECK(d.results[0].name == "y");
}

TEST_CASE("a plugin that is not there is refused with the nearest name and the places searched") {
  Folder folder;
  folder.add("layers/gated.so");
  const std::string text = folder.refusal("gaetd");
  CHECK_HAS(text, "There is no layer called \"gaetd\"; did you mean \"gated\"?");
  CHECK_HAS(text, "Plugins were searched in " + folder.root.string() + ".");
  CHECK_HAS(folder.refusal("gated", "loss"), "There is no loss called \"gated\".");
}

TEST_CASE("files that are no plugins are refused, and what is repaired loads") {
  Folder folder;
  const fs::path file = folder.add("layers/gated.so");
  const std::string whole = read_file(file, 1 << 26);
  auto write = [&](const std::string& bytes) {
    fs::remove(file);  // a new file: the old one may be mapped
    std::ofstream(file, std::ios::binary) << bytes;
  };
  write("#!/bin/sh\necho hello\n");
  CHECK_HAS(folder.refusal("gated"), file.string() + "\" is no shared library");
  write("");
  CHECK_HAS(folder.refusal("gated"), "is no shared library");
  std::string foreign = whole;
  foreign[18] = 21;
  write(foreign);
  CHECK_HAS(folder.refusal("gated"), "is made for 64-bit PowerPC, this machine is");
  for (size_t k = 1; k <= 24; ++k) {
    write(whole.substr(0, whole.size() * k / 25));
    CHECK_HAS(folder.refusal("gated"), "is cut off or damaged");
  }
  fs::remove(file);
  REQUIRE(mkfifo(file.c_str(), 0600) == 0);
  CHECK_HAS(folder.refusal("gated"), "not a regular file");
  write(whole);
  CHECK(folder.refusal("gated") == "");
}

TEST_CASE("plugins whose declaration is wrong are refused") {
  Folder folder;
  for (const char* name : {"undocumented", "wrong_ports"}) folder.add(std::string("layers/") + name + ".so");
  CHECK_HAS(folder.refusal("undocumented"), "parameter \"secret\" has no documentation");
  CHECK_HAS(folder.refusal("wrong_ports"), "declare names 1 inputs, the signature has 2");
}

TEST_CASE("a file's name and folder must be what the plugin says of itself") {
  Folder folder;
  folder.add("layers/gated.so", "layers", "silu");
  folder.add("layers/gated.so", "losses");
  CHECK_HAS(folder.refusal("silu"), "says that its name is \"gated\"; the file is named \"silu\"");
  CHECK_HAS(folder.refusal("gated", "loss"), "says that it is a \"layer\"; its folder is for the kind \"loss\"");
}

TEST_CASE("one name in two folders is an error that names both files") {
  Folder a, b;
  const fs::path first = a.add("layers/gated.so"), second = b.add("layers/gated.so");
  Registry registry({a.root, b.root});
  CHECK(registry.names("layer") == std::vector<std::string>{"gated"});
  try {
    registry.find("layer", "gated");
    FAIL("a duplicate was loaded");
  } catch (const PluginError& e) {
    CHECK_HAS(e.what(), "exists twice");
    CHECK_HAS(e.what(), first.string());
    CHECK_HAS(e.what(), second.string());
  }
}

TEST_CASE("an unknown kind is listed and otherwise ignored") {
  Folder folder;
  folder.add("layers/gated.so");
  folder.add("layers/gated.so", "samplers");
  Registry registry({folder.root});
  const auto files = registry.list();
  REQUIRE(files.size() == 2);
  CHECK(files[0].kind == "");
  CHECK(files[1].kind == "layer");
  CHECK_THROWS_AS(registry.find("sampler", "gated"), PluginError);
}

TEST_CASE("the search path: given folders must exist, the environment's must be absolute, each folder counts once") {
  Folder folder;
  CHECK_THROWS_WITH_AS(plugin_folders({"/no/such/folder"}), "The plugin path \"/no/such/folder\" is no folder.", PluginError);
  const auto folders = plugin_folders({folder.root.string(), folder.root.string() + "/."});
  REQUIRE(!folders.empty());
  CHECK(folders[0] == fs::canonical(folder.root));
  CHECK(std::count(folders.begin(), folders.end(), folders[0]) == 1);
  setenv("LAMINA_PLUGIN_PATH", (":/no/such/folder:" + folder.root.string() + ":").c_str(), 1);
  CHECK(plugin_folders()[0] == fs::canonical(folder.root));
  for (auto& each : plugin_folders()) CHECK(each != fs::current_path());
  setenv("LAMINA_PLUGIN_PATH", "plugins", 1);
  CHECK_THROWS_AS(plugin_folders(), PluginError);
  unsetenv("LAMINA_PLUGIN_PATH");
}
