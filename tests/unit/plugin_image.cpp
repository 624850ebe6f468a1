// What was checked is what is loaded: the copy in memory, what is remembered of it, and who may write where.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/files.hpp"
#include "base/sha256.hpp"
#include "plugin/child.hpp"
#include "plugin/image.hpp"
#include "plugin/registry.hpp"
#include "prove/recording.hpp"
#include "support/environment.hpp"
#include "support/process.hpp"

using namespace lamina;
using namespace lamina::test;
namespace fs = std::filesystem;

namespace {

const fs::path gated = LAMINA_TEST_PLUGINS "/layers/gated.so";

#define CHECK_HAS(text, part) CHECK_MESSAGE(std::string(text).find(part) != std::string::npos, (text))

/// A plugin folder with one library in it.
struct Shelf {
  Folder folder;
  fs::path file;
  explicit Shelf(const fs::path& library) : file(folder.path() / "layers" / library.filename()) {
    fs::create_directory(folder.path() / "layers");
    fs::copy_file(library, file);
  }
  Finished describe(std::vector<std::string> more = {}) const {
    std::vector<std::string> words = {"plugins", "describe", "layer", file.stem(), "--json", "--plugin-path", folder.path()};
    words.insert(words.end(), more.begin(), more.end());
    return run_program(LAMINA_PROGRAM, words);
  }
};

/// With this limit no child answers in time: what loads all the same was not tried out.
const char* const no_time = "0.000001";
bool loads_without_trial(const Shelf& shelf) {
  const Variable limit("LAMINA_PLUGIN_SECONDS", no_time);
  const Finished f = shelf.describe();
  CHECK((f.exit == 0 || f.err.find("was still running after 1e-06 s") != f.err.npos));
  return f.exit == 0;
}

/// What a child of this program that has no rights of root's says: the refusal, or "".
std::string as_nobody(const std::vector<std::string>& words) {
  ChildRequest request;
  request.job = "refusal as nobody", request.words = words, request.seconds = 60, request.memory = 0;
  const ChildResult result = run_child(request);
  REQUIRE_MESSAGE(result.answer, result.ending, result.output);
  return *result.answer;
}

}  // namespace

TEST_CASE("a library is loaded from a sealed copy, whatever happens to its file") {
  const Shelf shelf(LAMINA_TEST_PLUGINS "/broken_sound/layers/appends_to_a_file.so");
  LibraryImage image(shelf.file);
  image.seal();
  REQUIRE(image.is_copy());
  CHECK((fcntl(image.descriptor(), F_GET_SEALS) & F_SEAL_WRITE) != 0);
  CHECK(write(image.descriptor(), "x", 1) < 0);
  CHECK(fs::file_size(image.loadable()) == fs::file_size(shelf.file));
  CHECK(image.sha256() == sha256_file(shelf.file));
}

TEST_CASE("who writes over a library that runs harms nobody") {
  const Shelf shelf(gated);
  Registry registry({shelf.folder.path()});
  const Descriptor& d = registry.find("layer", "gated");
  const auto size = fs::file_size(shelf.file);
  std::ofstream(shelf.file, std::ios::binary) << "cut";  // in place, as cp does it
  CHECK(fs::file_size(shelf.file) < size);
  prove::Recording r;
  std::vector<lamina_attribute> settings;
  lamina_value in = r.input("x", {2, 3}, DType::float64).id_in(r.scope), out = 0;
  uint32_t count = 1;
  CHECK(copy_sized<lamina_layer>(d.table).forward(&graph::host_table(), &r.handle, settings.data(), 0, &in, 1, &out, &count) == 0);
  CHECK(count == 1);
  CHECK(r.graph->nodes.size() > 2);
  // The file is read anew by the next who asks.
  Registry other({shelf.folder.path()});
  CHECK_THROWS_AS(other.find("layer", "gated"), PluginError);
}

TEST_CASE("a file that changes while it is being loaded: the copy is what was read, the file itself is refused") {
  const fs::path library = LAMINA_TEST_PLUGINS "/broken_sound/layers/appends_to_a_file.so";
  for (const bool copy : {true, false}) {
    const Shelf shelf(library);
    const std::string before = sha256_file(shelf.file);
    const Variable file("LAMINA_TEST_FILE", shelf.file), how("LAMINA_PLUGIN_COPY", copy ? "yes" : "no");
    const Folder caches;
    const Variable cache("XDG_CACHE_HOME", caches.path());  // so that it is tried out
    const Finished f = shelf.describe();
    CHECK(sha256_file(shelf.file) != before);
    CHECK(f.exit == (copy ? 0 : 4));
    if (copy) CHECK_HAS(f.out, before);
    if (!copy) CHECK_HAS(f.err, "was changed while it was being loaded");
  }
}

TEST_CASE("a library that looks into its own folder is loaded from there, and so are all where it is asked for") {
  const Folder folder;
  LibraryImage needs(folder.write("a.so", "an rpath: $ORIGIN/lib"));
  needs.seal();
  CHECK(!needs.is_copy());
  CHECK(needs.loadable() == folder.path() / "a.so");
  const Shelf shelf(gated);
  {
    const Variable no("LAMINA_PLUGIN_COPY", "no");
    CHECK(shelf.describe().exit == 0);
  }
  const Variable typo("LAMINA_PLUGIN_COPY", "nope");
  const Finished f = shelf.describe();
  CHECK(f.exit == 4);
  CHECK_HAS(f.err, "LAMINA_PLUGIN_COPY is \"nope\"; wanted yes or no");
}

TEST_CASE("a library is tried out once; what fails is tried every time") {
  const Folder caches;
  const Variable cache("XDG_CACHE_HOME", caches.path());
  const fs::path verdicts = caches.path() / "lamina/plugins";
  const Shelf shelf(gated);
  CHECK(!loads_without_trial(shelf));
  CHECK(!fs::exists(verdicts));
  CHECK(shelf.describe().exit == 0);
  const fs::path verdict = verdicts / sha256_file(gated);
  REQUIRE(fs::exists(verdict));
  CHECK((fs::status(verdicts).permissions() & (fs::perms::group_all | fs::perms::others_all)) == fs::perms::none);
  CHECK(std::distance(fs::directory_iterator(verdicts), {}) == 1);  // and no temporary file
  CHECK(loads_without_trial(shelf));
  // One byte more is another library.
  std::ofstream(shelf.file, std::ios::app | std::ios::binary) << '\n';
  CHECK(!loads_without_trial(shelf));
  const Shelf same(gated);
  CHECK(loads_without_trial(same));

  // Verdicts that others wrote, or that are of another interface, count for nothing.
  const auto refused_then_repaired = [&](auto harm) {
    harm();
    CHECK(!loads_without_trial(same));
    fs::remove_all(verdicts);
    CHECK(same.describe().exit == 0);
    CHECK(loads_without_trial(same));
  };
  refused_then_repaired([&] { std::ofstream(verdict) << "lamina 1: good for interface 1.99\n"; });
  refused_then_repaired([&] { std::ofstream(verdict) << ""; });
  refused_then_repaired([&] { fs::permissions(verdict, fs::perms::others_write, fs::perm_options::add); });
  refused_then_repaired([&] { fs::permissions(verdicts, fs::perms::others_write, fs::perm_options::add); });
  refused_then_repaired([&] { fs::rename(verdict, verdicts / "else"), fs::create_symlink("else", verdict); });
  if (geteuid() == 0) refused_then_repaired([&] { REQUIRE(chown(verdict.c_str(), 65534, 65534) == 0); });

  const Shelf broken(LAMINA_TEST_PLUGINS "/broken_case/layers/exit_0_at_load.so");
  CHECK(broken.describe().exit == 4);
  CHECK(!fs::exists(verdicts / sha256_file(broken.file)));
  // Without a place to remember, everything is tried, and everything works.
  const Variable nowhere("XDG_CACHE_HOME", "/dev/null/nowhere");
  CHECK(same.describe().exit == 0);
  CHECK(!loads_without_trial(same));
}

TEST_CASE("limits that are none are refused") {
  const Shelf shelf(gated);
  const Folder caches;
  const Variable cache("XDG_CACHE_HOME", caches.path());
  for (const char* wrong : {"0", "-1", "ten", "1e99", "nan"}) {
    const Variable limit("LAMINA_PLUGIN_SECONDS", wrong);
    const Finished f = shelf.describe();
    CHECK(f.exit == 4);
    CHECK_HAS(f.err, "LAMINA_PLUGIN_SECONDS is \"" + std::string(wrong) + "\"; wanted a number in (0, 86400]");
  }
}

TEST_CASE("folders and files that everyone may write to are refused") {
  const Shelf shelf(gated);
  const fs::path kind = shelf.file.parent_path(), root = shelf.folder.path();
  for (const fs::path& open : {root, kind, shelf.file}) {
    fs::permissions(open, fs::perms::others_write, fs::perm_options::add);
    const Finished f = shelf.describe();
    CHECK(f.exit == 4);
    CHECK_HAS(f.err, (open == shelf.file ? "The plugin \"" : "The plugin folder \"") + open.string() +
                         "\" may be written by everyone on this machine, so anyone could put code there; `chmod o-w " + open.string() +
                         "` mends that.");
    fs::permissions(open, fs::perms::others_write, fs::perm_options::remove);
  }
  CHECK(shelf.describe().exit == 0);
}

TEST_CASE("folders and files that cannot be read are refused") {
  const Shelf shelf(gated);
  const fs::path kind = shelf.file.parent_path(), root = shelf.folder.path();
  fs::permissions(root, fs::perms(0755)), fs::permissions(kind, fs::perms(0755)), fs::permissions(shelf.file, fs::perms(0644));
  const auto with = [&](const fs::path& path, int mode) {
    const fs::perms before = fs::status(path).permissions();
    fs::permissions(path, fs::perms(mode));
    const std::string text = as_nobody({root, "gated"});
    fs::permissions(path, before);
    return text;
  };
  CHECK_HAS(with(root, 0), "The plugin folder \"" + root.string() + "\" cannot be read: Permission denied; `chmod u+rx " + root.string());
  CHECK_HAS(with(root, 0444), "The plugin folder \"" + root.string() + "\" cannot be read: Permission denied");
  CHECK_HAS(with(kind, 0), "The plugin folder \"" + kind.string() + "\" cannot be read: Permission denied");
  CHECK_HAS(with(shelf.file, 0), "The plugin \"" + shelf.file.string() + "\" cannot be read: Permission denied; `chmod u+r ");
  {
    const Folder locked;
    fs::create_directory(locked.path() / "plugins");
    fs::permissions(locked.path(), fs::perms::none);
    const Variable path("LAMINA_PLUGIN_PATH", locked.path() / "plugins");
    CHECK_HAS(as_nobody({"", ""}),
              "The plugin folder \"" + (locked.path() / "plugins").string() + "\" cannot be reached: Permission denied");
  }
  CHECK(with(root, 0755) == "");
}

TEST_CASE("--safe: the program's own plugins and no others") {
  const Shelf shelf(gated);
  const Variable path("LAMINA_PLUGIN_PATH", shelf.folder.path());
  CHECK(run_program(LAMINA_PROGRAM, {"plugins", "describe", "gated"}).exit == 0);
  CHECK(run_program(LAMINA_PROGRAM, {"plugins", "describe", "conv", "--safe"}).exit == 0);
  const Finished left_out = run_program(LAMINA_PROGRAM, {"--safe", "plugins", "describe", "gated"});
  CHECK(left_out.exit == 4);
  CHECK_HAS(left_out.err, "There is no plugin called \"gated\"");
  const Finished both = shelf.describe({"--safe"});
  CHECK(both.exit == 2);
  CHECK_HAS(both.err, "--safe leaves out all plugins but the program's own, --plugin-path adds others: give one of them.");
}
