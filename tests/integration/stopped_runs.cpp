// Runs of the program that are stopped, at any moment and in any way, and resumed equal the one that never was: bit for bit.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include "integration/run_bench.hpp"

using namespace lamina;
using namespace lamina::test;
namespace fs = std::filesystem;

TEST_CASE("a run killed at any moment goes on to the same bits") {
  const RunBench bench;
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
    CHECK(until(*child, [&] { return journal_lines(bench.run) >= enough; }));
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
    if (until(*child, [&] { return journal_lines(bench.run) >= kill * 7; })) child->send(SIGKILL);
    CHECK(child->wait() == 1000 + SIGKILL);
    child = bench.start({"resume", bench.run.string()}, 500);
  }
  child->wait();
  bench.hold_to(expected);
}

TEST_CASE("the same on the reference backend") {
  const RunBench bench(R"({"type": "reference"})");
  const Outcome expected = bench.whole();
  for (size_t enough : {1, 17, 32}) {
    auto child = bench.begin(300);
    CHECK(until(*child, [&] { return journal_lines(bench.run) >= enough; }));
    child->send(SIGKILL);
    child->wait();
    bench.hold_to(expected);
  }
}

TEST_CASE("a signal stops after a checkpoint, with the exit code that shells expect") {
  const RunBench bench;
  const Outcome expected = bench.whole();
  for (int signal : {SIGINT, SIGTERM}) {
    auto child = bench.begin(2000);
    CHECK(until(*child, [&] { return journal_lines(bench.run) >= 9; }));
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
  const RunBench bench;
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
  const RunBench bench;
  auto child = bench.begin(20000);
  CHECK(until(*child, [&] { return journal_lines(bench.run) >= 3; }));
  CHECK(bench.resume() == 2);
  CHECK(content(bench.log).find("another process is running there") != std::string::npos);
  CHECK(child->running());
  child->send(SIGKILL);
}
