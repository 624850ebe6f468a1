// Runs of the program that are stopped, at any moment and in any way, and resumed equal the one that never was: bit for bit.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>

#include "integration/child.hpp"
#include "support/small_run.hpp"

using namespace lamina;
using namespace lamina::test;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
size_t rows(const fs::path& run) {
  const std::string text = content(run / "metrics.jsonl");
  return size_t(std::count(text.begin(), text.end(), '\n'));
}
/// Number of the checkpoint that is being written, or -1.
int64_t being_written(const fs::path& run) {
  std::error_code ignored;
  for (auto& entry : fs::directory_iterator(run / "checkpoints", ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.')) return std::stoll(name.substr(1));
  }
  return -1;
}

/// The small experiment in a scratch folder, and the program on it.
struct Bench {
  Scratch scratch;
  fs::path experiment, runs = scratch.path / "runs", run = runs / "small-1", log = scratch.path / "log";
  explicit Bench(const std::string& backend = R"({"type": "cpu", "threads": 2})")
      : experiment(write_small_experiment(scratch.path, backend)) {}

  std::unique_ptr<Child> start(Words words, int sync_microseconds = 0) const {
    words.insert(words.begin(), LAMINA_PROGRAM);
    for (const char* word : {"--plugin-path", LAMINA_PLUGINS, "-q"}) words.push_back(word);
    return std::make_unique<Child>(
        words, log.string(),
        std::vector<std::pair<std::string, std::string>>{{"LD_PRELOAD", LAMINA_SLOW_SYNC},
                                                         {"LAMINA_TEST_SYNC_MICROSECONDS", std::to_string(sync_microseconds)},
                                                         {"OMP_WAIT_POLICY", "passive"},
                                                         {"ASAN_OPTIONS", "verify_asan_link_order=0"}});
  }
  std::unique_ptr<Child> begin(int sync_microseconds = 0) const {
    return start({"run", experiment.string(), "--out", runs.string()}, sync_microseconds);
  }
  int resume() const { return start({"resume", run.string()})->wait(); }
  /// The run that nothing disturbs.
  Outcome whole() const {
    const int status = begin()->wait();
    REQUIRE_MESSAGE(status == 0, content(log));
    const Outcome o = outcome(run);
    fs::remove_all(runs);
    return o;
  }
  /// Resumes to the end and compares; makes room for the next run.
  void hold_to(const Outcome& expected) const {
    const int status = resume();
    CHECK_MESSAGE(status == 0, content(log));
    CHECK(difference(outcome(run), expected) == "");
    CHECK(being_written(run) == -1);
    fs::remove_all(runs);
  }
};

}  // namespace

TEST_CASE("a run killed at any moment goes on to the same bits") {
  const Bench bench;
  const Outcome expected = bench.whole();
  CHECK(expected.step == 40);
  CHECK(expected.tensors.size() == 20);  // of conv, batch norm and dense: 6 parameters, 2 statistics, 2 slots per parameter
  CHECK(expected.journal.at("step")[0].integers.size() == 40);
  CHECK(expected.journal.at("epoch")[0].integers.size() == 4);

  // At fifteen moments between and inside of steps, the first of them before there is a checkpoint.
  for (size_t moment = 0; moment < 15; ++moment) {
    CAPTURE(moment);
    auto child = bench.begin(300);
    const size_t enough = 1 + moment * 41 / 15;
    CHECK(until(*child, [&] { return rows(bench.run) >= enough; }));
    usleep(useconds_t(moment * 379 % 1000));
    child->send(SIGKILL);
    CHECK(child->wait() == 1000 + SIGKILL);
    bench.hold_to(expected);
  }
  // At five moments inside of a checkpoint write.
  for (int64_t moment = 0; moment < 5; ++moment) {
    CAPTURE(moment);
    auto child = bench.begin(20000);
    CHECK(until(*child, [&] { return being_written(bench.run) >= 1 + moment * 8; }));
    usleep(useconds_t(moment * 1000));
    child->send(SIGKILL);
    CHECK(child->wait() == 1000 + SIGKILL);
    CHECK(being_written(bench.run) > 0);
    bench.hold_to(expected);
  }
  // Again and again in one run.
  auto child = bench.begin(500);
  for (size_t kill = 1; kill <= 5; ++kill) {
    if (until(*child, [&] { return rows(bench.run) >= kill * 7; })) child->send(SIGKILL);
    CHECK(child->wait() == 1000 + SIGKILL);
    child = bench.start({"resume", bench.run.string()}, 500);
  }
  child->wait();
  bench.hold_to(expected);
}

TEST_CASE("the same on the reference backend") {
  const Bench bench(R"({"type": "reference"})");
  const Outcome expected = bench.whole();
  for (size_t enough : {1, 17, 32}) {
    auto child = bench.begin(300);
    CHECK(until(*child, [&] { return rows(bench.run) >= enough; }));
    child->send(SIGKILL);
    child->wait();
    bench.hold_to(expected);
  }
}

TEST_CASE("a signal stops after a checkpoint, with the exit code that shells expect") {
  const Bench bench;
  const Outcome expected = bench.whole();
  for (int signal : {SIGINT, SIGTERM}) {
    auto child = bench.begin(2000);
    CHECK(until(*child, [&] { return rows(bench.run) >= 9; }));
    child->send(signal);
    CHECK(child->wait() == 128 + signal);
    const Outcome stopped = outcome(bench.run);
    CHECK(stopped.step >= 8);
    CHECK(stopped.step < 40);
    CHECK(stopped.journal.at("step")[0].integers.back() == stopped.step);
    bench.hold_to(expected);
  }
}

TEST_CASE("a run folder appears whole or not at all") {
  const Bench bench;
  const auto unfinished = [&] {
    std::error_code ignored;
    for (auto& entry : fs::directory_iterator(bench.runs, ignored))
      if (entry.path().filename().string().starts_with(".new-")) return entry.path();
    return fs::path();
  };
  auto child = bench.begin(50000);
  CHECK(until(*child, [&] { return !unfinished().empty(); }));
  child->send(SIGKILL);
  CHECK(child->wait() == 1000 + SIGKILL);
  CHECK_FALSE(fs::exists(bench.run));
  const fs::path left = unfinished();
  REQUIRE_FALSE(left.empty());
  fs::last_write_time(left, fs::file_time_type::clock::now() - std::chrono::hours(1));
  CHECK(bench.begin()->wait() == 0);
  CHECK(fs::exists(bench.run / "run.h5"));
  CHECK(unfinished().empty());
}

TEST_CASE("one process at a time in a run folder") {
  const Bench bench;
  auto child = bench.begin(20000);
  CHECK(until(*child, [&] { return rows(bench.run) >= 3; }));
  CHECK(bench.resume() == 2);
  CHECK(content(bench.log).find("another process is running there") != std::string::npos);
  CHECK(child->running());
  child->send(SIGKILL);
}
