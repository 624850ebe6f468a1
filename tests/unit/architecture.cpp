// The rules of the house, read from the tree: who may include whom, which library stands where, how long files are.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

const fs::path root = LAMINA_SOURCE;

struct Include {
  std::string name;
  bool angled;
};
struct Source {
  fs::path file;       ///< below the root
  std::string folder;  ///< of framework/: "graph"; else ""
  size_t lines = 0;
  std::vector<Include> includes;
};

Source read(const fs::path& file) {
  Source s{fs::relative(file, root), {}, 0, {}};
  auto part = s.file.begin();
  if (*part == "framework" && std::distance(s.file.begin(), s.file.end()) > 2) s.folder = (++part)->string();
  std::ifstream in(file);
  for (std::string line; std::getline(in, line); ++s.lines) {
    const size_t at = line.find_first_not_of(" \t#");
    if (line.find('#') == line.npos || at == line.npos || line.compare(at, 7, "include") != 0) continue;
    const size_t open = line.find_first_of("<\"", at), close = open == line.npos ? open : line.find_first_of(">\"", open + 1);
    if (close != line.npos) s.includes.push_back({line.substr(open + 1, close - open - 1), line[open] == '<'});
  }
  return s;
}

std::vector<Source> sources(const std::vector<std::string>& folders) {
  std::vector<Source> all;
  for (auto& folder : folders)
    if (fs::exists(root / folder))
      for (auto& entry : fs::recursive_directory_iterator(root / folder)) {
        const std::string ending = entry.path().extension().string();
        if (entry.is_regular_file() && (ending == ".cpp" || ending == ".hpp" || ending == ".h" || ending == ".inc"))
          all.push_back(read(entry.path()));
      }
  REQUIRE(all.size() > 0);
  return all;
}

bool below(const fs::path& file, const std::string& folder) { return file.string().starts_with(folder); }

/// Whether the build makes the header from texts beside the source: "x.glsl.hpp" from x.glsl, a table by lamina_embed_table.
bool embedded(const Source& s, const std::string& header) {
  const fs::path folder = root / s.file.parent_path();
  if (header.ends_with(".hpp") && fs::exists(folder / header.substr(0, header.size() - 4))) return true;
  std::ifstream in(folder / "CMakeLists.txt");
  const std::string table = " " + fs::path(header).stem().string() + " ";
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("lamina_embed_table(") && line.find(table) != line.npos) return true;
  return false;
}

/// Public headers that a source reaches, over all stations.
std::set<std::string> reached(const fs::path& file) {
  std::set<std::string> headers;
  std::vector<Source> open = {read(root / file)};
  while (!open.empty()) {
    const Source s = open.back();
    open.pop_back();
    for (auto& include : s.includes) {
      const fs::path beside = s.file.parent_path() / include.name, published = fs::path("framework/include") / include.name;
      const fs::path header = !include.angled && fs::exists(root / beside) ? beside : published;
      if (fs::exists(root / header) && headers.insert(header.lexically_normal().string()).second) open.push_back(read(root / header));
    }
  }
  return headers;
}

}  // namespace

TEST_CASE("no folder of the framework includes one to its right") {
  const std::vector<std::string> order = {"include", "base",  "config",  "graph", "plugin", "program",
                                          "record",  "train", "compare", "prove", "report", "cli"};
  const auto place = [&](const std::string& folder) { return std::find(order.begin(), order.end(), folder) - order.begin(); };
  size_t seen = 0;
  for (auto& s : sources({"framework"})) {
    CHECK_MESSAGE(std::find(order.begin(), order.end(), s.folder) != order.end(), s.file);
    for (auto& include : s.includes) {
      if (include.angled) {
        CHECK_MESSAGE((!fs::exists(root / "framework" / include.name)), s.file, " includes <", include.name, ">");
        continue;
      }
      const std::string folder = include.name.substr(0, include.name.find('/'));
      if (s.folder == "include") continue;  // a public header names its neighbours without a folder
      ++seen;
      CHECK_MESSAGE(fs::exists(root / "framework" / include.name), s.file, " includes \"", include.name, "\"");
      CHECK_MESSAGE(place(folder) <= place(s.folder), s.file, " includes \"", include.name, "\"");
    }
  }
  CHECK(seen > 100);
}

TEST_CASE("public headers are short and stand on nothing but themselves, the standard library and, for files, POSIX") {
  size_t seen = 0;
  for (auto& s : sources({"framework/include"})) {
    ++seen;
    CHECK_MESSAGE(s.lines < 300, s.file);
    for (auto& include : s.includes)
      if (include.angled)
        CHECK_MESSAGE((include.name.find_first_of("/.") == include.name.npos || include.name == "stdint.h" || include.name == "stddef.h" ||
                       (s.file.filename() == "file.hpp" &&
                        (include.name == "fcntl.h" || include.name == "unistd.h" || include.name == "sys/stat.h"))),
                      s.file, " includes <", include.name, ">");
      else
        CHECK_MESSAGE(fs::exists(root / "framework/include/lamina" / include.name), s.file, " includes \"", include.name, "\"");
  }
  CHECK(seen > 10);
}

TEST_CASE("a layer reaches at most eleven project headers") {
  size_t seen = 0;
  for (auto& entry : fs::directory_iterator(root / "plugins/layers")) {
    if (entry.path().extension() == ".glsl") continue;  // a kernel's body, of the layer beside it
    const auto headers = reached(fs::relative(entry.path(), root));
    CHECK_MESSAGE(headers.size() <= 11, entry.path());
    CHECK_MESSAGE(headers.size() >= 3, entry.path());
    ++seen;
  }
  CHECK(seen > 5);
}

TEST_CASE("plugins include the public headers, their own and their own library's") {
  const std::map<std::string, std::set<std::string>> libraries = {
      // third-party headers by the folder that may use them
      {"plugins/datasets", {"zlib.h", "png.h", "jpeglib.h"}},
      {"plugins/backends/cpu", {"dnnl.h", "dnnl.hpp", "oneapi/dnnl/dnnl.h", "oneapi/dnnl/dnnl.hpp", "omp.h", "immintrin.h", "cpuid.h"}},
      {"plugins/backends/vulkan",
       {"volk.h", "vulkan/vulkan.h", "glslang/Public/ShaderLang.h", "glslang/Public/ResourceLimits.h", "glslang/SPIRV/GlslangToSpv.h"}},
  };
  for (auto& s : sources({"plugins", "tests/plugins", "bench/plugins"}))
    for (auto& include : s.includes) {
      CAPTURE(s.file);
      CAPTURE(include.name);
      if (!include.angled) {  // within the plugin's own folder, or what backends share
        if (embedded(s, include.name)) continue;
        CHECK(include.name.find("..") == include.name.npos);
        const bool shared = include.name.starts_with("common/") && fs::exists(root / "plugins/backends" / include.name);
        CHECK((below(s.file, "plugins/backends/") && (shared || fs::exists(root / s.file.parent_path() / include.name))));
        continue;
      }
      if (include.name.starts_with("lamina/") || include.name.find_first_of("/.") == include.name.npos)
        continue;  // ours, the standard library's
      if (include.name.starts_with("sys/") || include.name == "fcntl.h" || include.name == "unistd.h" || include.name == "pthread.h" ||
          include.name == "sched.h")
        continue;
      bool allowed = false;
      for (auto& [folder, headers] : libraries) allowed |= below(s.file, folder) && headers.contains(include.name);
      CHECK(allowed);
    }
}

TEST_CASE("each library stands in one place") {
  const std::map<std::string, std::vector<std::string>> places = {
      {"nlohmann/", {"framework/config/"}},
      {"boost/", {"framework/plugin/"}},
      {"hdf5", {"framework/record/"}},
      {"H5", {"framework/record/"}},
      {"CLI/", {"framework/cli/"}},
      {"zlib.h", {"framework/base/", "plugins/datasets/"}},
      {"png.h", {"plugins/datasets/"}},
      {"jpeglib.h", {"plugins/datasets/"}},
      {"dnnl", {"plugins/backends/cpu/"}},
      {"oneapi/", {"plugins/backends/cpu/"}},
      {"omp.h", {"plugins/backends/cpu/"}},
      {"vulkan/", {"plugins/backends/vulkan/"}},
      {"glslang/", {"plugins/backends/vulkan/"}},
      {"doctest/", {"tests/"}},
  };
  // Tests may make hostile files with the libraries themselves.
  for (auto& s : sources({"framework", "plugins", "bench"}))
    for (auto& include : s.includes)
      for (auto& [library, folders] : places) {
        if (!include.angled || !include.name.starts_with(library)) continue;
        bool allowed = false;
        for (auto& folder : folders) allowed |= below(s.file, folder);
        CHECK_MESSAGE(allowed, s.file, " includes <", include.name, ">");
      }
}

TEST_CASE("no file is longer than 500 lines") {
  for (auto& s : sources({"framework", "plugins", "shaders", "tests", "bench"})) CHECK_MESSAGE(s.lines <= 500, s.file, " has ", s.lines);
}

TEST_CASE("the framework names no plugin") {
  // Names that would be taken for words of the language are left out.
  for (const char* word :
       {"\"conv2d\"", "\"batch_norm\"", "\"max_pool\"", "\"cross_entropy\"", "\"adam\"", "\"momentum\"", "\"cosine\"", "\"idx\""})
    for (auto& s :
         sources({"framework/config", "framework/plugin", "framework/program", "framework/record", "framework/train", "framework/cli"})) {
      std::ifstream in(root / s.file);
      for (std::string line; std::getline(in, line);) {
        const size_t comment = line.find("//"), at = line.find(word);
        CHECK_MESSAGE((at == line.npos || comment < at), s.file, ": ", line);
      }
    }
}
