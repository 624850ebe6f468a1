// A child process answers, refuses, crashes, hangs, floods or lies, and its parent always knows which.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "base/sanitized.hpp"
#include "plugin/child.hpp"

using namespace lamina;

namespace {

ChildResult child(const std::string& job, std::vector<std::string> words = {}, double seconds = 60) {
  ChildRequest request;
  request.job = job, request.words = std::move(words), request.seconds = seconds;
  return run_child(request);
}
/// False also for a zombie: whoever adopts orphans here may not reap them.
bool lives(const std::string& process) {
  std::ifstream status("/proc/" + process + "/stat");
  std::string number, name, state;
  return status >> number >> name >> state && state != "Z";
}
/// Neither an answer nor a refusal came.
bool failed(const ChildResult& result) { return !result.answer && !result.refusal; }

}  // namespace

TEST_CASE("a child's answer comes back whole") {
  CHECK(child("echo", {"a b", "", "c\n\"ü"}).answer == "<a b><><c\n\"ü>");
  CHECK(child("echo").answer == "");
  CHECK(child("long", {"3000000"}).answer == std::string(3000000, 'x'));
  const ChildResult shouted = child("shout", {"2"});
  CHECK(shouted.answer == "hoarse");
  CHECK(shouted.output == "line 0\nline 1\n");
}

TEST_CASE("what a child's job throws is its refusal") {
  CHECK(child("refuse", {"the moon is wrong"}).refusal == "the moon is wrong");
  CHECK(child("number").refusal == "throws something that is no std::exception");
  CHECK(!child("number").answer);
}

TEST_CASE("a child that ends by itself has not answered") {
  for (const int code : {0, 3}) {
    const ChildResult r = child("exit", {std::to_string(code)});
    CHECK(failed(r));
    CHECK(r.exit == code);
    CHECK(r.ending == "ended the process with exit code " + std::to_string(code));
    CHECK(r.last_words() == "leaving");
  }
  // An answer counts only when the process then ends in good order.
  const ChildResult late = child("late");
  CHECK(failed(late));
  CHECK(late.signal == SIGABRT);
  CHECK(late.ending == "crashed with SIGABRT (Aborted) at its end, after all had gone well,");
  CHECK(failed(child("no such job")));
}

TEST_CASE("a child that crashes is told by its signal") {
  const ChildResult r = child("raise", {std::to_string(SIGABRT)});
  CHECK(failed(r));
  CHECK(r.signal == SIGABRT);
  CHECK(r.ending == "crashed with SIGABRT (Aborted)");
  CHECK(child("raise", {std::to_string(SIGPIPE)}).signal == SIGPIPE);  // not ignored, whatever its parent does
  CHECK(child("raise", {std::to_string(SIGKILL)}).ending == "was killed (SIGKILL; is memory short?)");
  CHECK(failed(child("deep")));  // its stack ends
}

TEST_CASE("a child that hangs is killed with all processes it started") {
  const ChildResult r = child("hang", {}, 0.1);
  CHECK(failed(r));
  CHECK(r.timed_out);
  CHECK(r.ending == "was still running after 0.1 s");
  CHECK(r.last_words() == "thinking");
  // A process that outlives the child neither delays the answer nor lives on.
  const ChildResult with = child("daemon");
  REQUIRE(with.answer);
  int turns = 0;
  while (lives(*with.answer) && turns < 10000) usleep(100), ++turns;
  CHECK(!lives(*with.answer));
}

TEST_CASE("a child's memory, output and answer are bounded") {
  ChildRequest request;
  request.job = "memory", request.words = {std::to_string(uint64_t(2) << 30)}, request.memory = uint64_t(1) << 30;
  if (!sanitized) CHECK(run_child(request).refusal == "std::bad_alloc");
  ChildRequest loud;
  loud.job = "shout", loud.words = {"100000"}, loud.most_output = 1000;
  const ChildResult heard = run_child(loud);
  CHECK(heard.answer == "hoarse");
  CHECK(heard.output.size() == 1000);
  CHECK(heard.last_words() == "line 99999");
  ChildRequest talkative;
  talkative.job = "long", talkative.words = {"5000000"}, talkative.most_answer = 1000000;
  const ChildResult cut = run_child(talkative);
  CHECK(failed(cut));
  CHECK(cut.ending == "gave an answer of more than 1000000 bytes");
}

TEST_CASE("whoever writes to every open file, or closes them all, forges no answer") {
  CHECK(failed(child("forge")));
  CHECK(child("forge").ending == "wrote to a file descriptor that is not its own");
  CHECK(failed(child("close")));
}

TEST_CASE("a child sees what it is given and nothing else") {
  CHECK(*child("state").answer == "0c 1p 2p 3c core 1 group own input empty");
  std::FILE* file = std::tmpfile();
  REQUIRE(file);
  std::fputs("handed over", file), std::fflush(file);
  ChildRequest request;
  request.job = "file", request.file = fileno(file);
  CHECK(run_child(request).answer == "handed over");
  std::fclose(file);
}
