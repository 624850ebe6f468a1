#include "integration/run_bench.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace lamina::test {
namespace fs = std::filesystem;

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

size_t journal_lines(const fs::path& run) {
  const std::string text = content(run / "metrics.jsonl");
  return size_t(std::count(text.begin(), text.end(), '\n'));
}

int64_t being_written(const fs::path& run) {
  std::error_code ignored;
  for (auto& entry : fs::directory_iterator(run / "checkpoints", ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.')) return std::stoll(name.substr(1));
  }
  return -1;
}

RunBench::RunBench(const std::string& backend) : experiment(write_small_experiment(scratch.path, backend)) {}

std::unique_ptr<Child> RunBench::start(std::vector<std::string> words, int sync_microseconds) const {
  words.insert(words.begin(), LAMINA_PROGRAM);
  for (const char* word : {"--plugin-path", LAMINA_PLUGINS, "-q"}) words.push_back(word);
  const std::vector<std::pair<std::string, std::string>> environment = {
      {"LD_PRELOAD", LAMINA_SLOW_SYNC},
      {"LAMINA_TEST_SYNC_MICROSECONDS", std::to_string(sync_microseconds)},
      {"OMP_WAIT_POLICY", "passive"},  // many tests at once would wait for each other's spinning
      {"ASAN_OPTIONS", "verify_asan_link_order=0"}};
  return std::make_unique<Child>(words, log.string(), environment);
}

std::unique_ptr<Child> RunBench::begin(int sync_microseconds) const {
  return start({"run", experiment.string(), "--out", runs.string()}, sync_microseconds);
}
int RunBench::resume() const { return start({"resume", run.string()})->wait(); }

Outcome RunBench::whole() const {
  const int status = begin()->wait();
  REQUIRE_MESSAGE(status == 0, content(log));
  const Outcome o = outcome(run);
  fs::remove_all(runs);
  return o;
}

void RunBench::hold_to(const Outcome& expected) const {
  const int status = resume();
  CHECK_MESSAGE(status == 0, content(log));
  CHECK(difference(outcome(run), expected) == "");
  CHECK(being_written(run) == -1);
  fs::remove_all(runs);
}

}  // namespace lamina::test
