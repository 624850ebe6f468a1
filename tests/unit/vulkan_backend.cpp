// What is the Vulkan backend's own: choosing a device, its caches, data sets on the device, the same bits from run to run.
#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>

#include "support/plugins.hpp"
#include "support/process.hpp"
#include "support/train_bench.hpp"

using namespace lamina;
using namespace lamina::test;
namespace fs = std::filesystem;

namespace {

/// Sets a variable of the environment for a while.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name), before_(getenv(name) ? getenv(name) : "") {
    setenv(name, value.c_str(), 1);
  }
  ~Variable() { before_.empty() ? unsetenv(name_) : setenv(name_, before_.c_str(), 1); }

 private:
  const char* name_;
  std::string before_;
};

}  // namespace

TEST_CASE("vulkan gives the same bits from run to run, wherever the data set is and whatever the caches hold") {
  if (!has_vulkan()) return;
  for (const std::string kernels : {"lanes", "tiled"}) {
    CAPTURE(kernels);
    SmallRuns runs(R"({"type": "vulkan", "kernels": ")" + kernels + "\"}");
    const auto run_with = [&](const std::vector<std::string>& overrides) { return outcome(runs.run(overrides).folder); };
    const Outcome once = run_with({});
    const auto same = [&](Outcome other) {
      other.state = once.state;  // which tells the settings
      return difference(once, other) == "";
    };
    CHECK(once.step == 40);
    CHECK(same(run_with({})));
    CHECK(same(run_with({"backend.data=host"})));
    CHECK(same(run_with({"backend.tuning=off"})));
    CHECK_FALSE(same(run_with({"seed=8"})));
  }
}

TEST_CASE("vulkan stopped and resumed equals the whole run") {
  if (!has_vulkan()) return;
  SmallRuns runs(R"({"type": "vulkan"})");
  const Outcome expected = outcome(runs.run().folder);
  for (const int64_t first : {3, 17}) {
    const RunReport report = runs.resume(runs.run({}, first).folder);
    CHECK(difference(outcome(report.folder), expected) == "");
  }
}

TEST_CASE("a Vulkan device that is not there is told with those that are") {
  if (!has_vulkan()) return;
  for (const std::string device : {"vulkan:99", "no such maker", "7777777777777"}) {
    SmallRuns runs(R"({"type": "vulkan", "device": ")" + device + "\"}");
    const auto [code, text] = failure([&] { runs.run(); });
    CHECK(code == 5);
    CHECK_MESSAGE(text.find(device) != text.npos, text);
    CHECK_MESSAGE(text.find("0: ") != text.npos, text);
    CHECK_FALSE(fs::exists(runs.runs));
  }
  SmallRuns runs(R"({"type": "vulkan", "device": "vulkan:0"})");
  CHECK(runs.run().steps == 40);
}

TEST_CASE("without a driver the Vulkan backend says so") {
  const Variable drivers("VK_DRIVER_FILES", "/nowhere/driver.json"), old_drivers("VK_ICD_FILENAMES", "/nowhere/driver.json");
  const Folder folder;
  const Finished listed = run_program(LAMINA_PROGRAM, {"backends"});
  CHECK(listed.exit == 0);
  CHECK_MESSAGE(listed.out.find("driver") != listed.out.npos, listed.out);
  Scratch scratch;
  const fs::path experiment = write_small_experiment(scratch.path, R"({"type": "vulkan"})");
  const Finished run = run_program(LAMINA_PROGRAM, {"run", experiment.string(), "--out", (folder.path() / "runs").string()});
  CHECK(run.exit == 5);
  CHECK_MESSAGE(run.err.find("driver") != run.err.npos, run.err);
  CHECK_FALSE(fs::exists(folder.path() / "runs"));
}

TEST_CASE("damaged caches of the Vulkan backend are as if they were not there") {
  if (!has_vulkan()) return;
  const Folder folder;
  const Variable cache("XDG_CACHE_HOME", (folder.path() / "cache").string());
  Scratch scratch;
  const fs::path experiment = write_small_experiment(scratch.path, R"({"type": "vulkan"})");
  const auto train = [&](const char* name) {
    const fs::path out = folder.path() / name;
    const Finished run = run_program(LAMINA_PROGRAM, {"run", experiment.string(), "--out", out.string(), "--quiet"});
    CHECK_MESSAGE(run.exit == 0, run.err);
    return outcome(out / "small-1");
  };
  const Outcome expected = train("first");
  const auto files = [&] {
    std::vector<fs::path> all;
    for (auto& f : fs::directory_iterator(folder.path() / "cache/lamina/vulkan")) all.push_back(f.path());
    std::sort(all.begin(), all.end());
    return all;
  };
  CHECK(files().size() > 5);
  size_t number = 0;
  for (auto& file : files()) {  // every kind of damage, one after the other
    const uint64_t size = fs::file_size(file);
    std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
    switch (number++ % 4) {
      case 0:
        fs::resize_file(file, size / 2);
        break;
      case 1:
        fs::resize_file(file, 0);
        break;
      case 2:
        out.seekp(std::streamoff(size - 9)).put('\x7f');
        break;
      case 3:
        out.seekp(16).write("\xff\xff\xff\xff\xff\xff\xff\xff", 8);
        break;
    }
  }
  CHECK(difference(train("second"), expected) == "");
  for (auto& file : files()) fs::permissions(file, fs::perms::none);  // root reads them all the same
  CHECK(difference(train("third"), expected) == "");
  fs::remove_all(folder.path() / "cache");
  folder.write("cache", "a file where the folder should be");
  CHECK(difference(train("fourth"), expected) == "");
}
