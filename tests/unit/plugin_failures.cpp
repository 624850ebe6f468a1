// A plugin that fails in one of its calls is named, with its file and the place in the experiment; a crash is never without a word.
#include <doctest/doctest.h>
#include <signal.h>

#include <filesystem>
#include <regex>

#include "base/sanitized.hpp"
#include "support/environment.hpp"
#include "support/process.hpp"

using namespace lamina::test;

namespace {

const std::string sound = LAMINA_TEST_PLUGINS "/broken_sound", file = sound + "/layers/fails_in_forward.so";

/// The program trains, or starts to, with a layer that fails.
Finished train(const std::string& how, const std::string& command = "check",
               const std::string& data = "{\"type\": \"made_up\", \"samples\": 6}") {
  const Variable said("LAMINA_TEST_HOW", how);
  const Folder folder;
  const auto experiment = folder.write("failing.json", R"({
  "dataset": )" + data + R"(,
  "network": {"layers": [
    {"type": "flatten"},
    {"type": "fails_in_forward", "name": "odd"},
    {"type": "dense", "units": 3}]},
  "loss": {"type": "cross_entropy"},
  "optimizer": {"type": "sgd", "learning_rate": 0.1},
  "training": {"epochs": 1, "batch_size": 2},
  "backend": {"type": "reference"}
})");
  std::vector<std::string> words = {command, experiment, "--plugin-path", sound, "--plugin-path", LAMINA_TEST_PLUGINS};
  if (command == "run") words.insert(words.end(), {"--out", folder.path()});
  return run_program(LAMINA_PROGRAM, words);
}

#define CHECK_HAS(text, part) CHECK_MESSAGE(std::string(text).find(part) != std::string::npos, (text))

}  // namespace

TEST_CASE("a refusal in forward names the layer, its place in the experiment, the plugin and its file") {
  for (const auto& [how, reason] :
       {std::pair("refuse", "the moon is wrong"), std::pair("no reason", "the plugin failed without giving a reason"),
        std::pair("throw", "the plugin threw something that is no std::exception")}) {
    const Finished f = train(how);
    CHECK(f.exit == 3);
    CHECK_HAS(f.err,
              "failing.json:5:5  /network/layers/1: layer 'odd' (fails_in_forward): " + std::string(reason) + " (plugin \"" + file + "\")");
  }
}

TEST_CASE("a data set that fails in the middle of a training is told with the step") {
  const Finished f = train("not at all", "run", R"({"type": "made_up", "samples": 6, "damaged": 4})");
  CHECK(f.exit == 3);
  CHECK(
      std::regex_search(f.err, std::regex("error: step [123]: dataset 'made_up', column \"input\" of split \"train\": sample 4 is damaged "
                                          "\\(plugin \".*/datasets/made_up.so\"\\)\\.?\n")));
}

TEST_CASE("a crash in a plugin's call is told in one sentence, and ends the program as it would have") {
  if (lamina::sanitized) return;
  struct Crash {
    const char* how;
    int signal;
    const char* word;
  };
  for (const Crash& c :
       {Crash{"wrong memory", SIGSEGV, "SIGSEGV (it used memory that is not its own)"}, Crash{"abort", SIGABRT, "SIGABRT (it gave up)"},
        Crash{"terminate", SIGABRT, "SIGABRT (it gave up)"}, Crash{"stack", SIGSEGV, "SIGSEGV"}}) {
    const Finished f = train(c.how);
    CHECK(f.exit == 128 + c.signal);
    CHECK_HAS(f.err, "error: The program crashed with " + std::string(c.word));
    CHECK_HAS(f.err, " in layer 'odd' (fails_in_forward), plugin \"" + file + "\", /network/layers/1");
    if (c.signal == SIGSEGV) CHECK_HAS(f.err, "; the code that failed is " + file + "'s.\n");
  }
  // Within a step the backend runs, and what it runs may be another plugin's.
  const Finished step = train("kernel", "run");
  CHECK(step.exit == 128 + SIGSEGV);
  CHECK_HAS(step.err, " in backend 'reference', plugin \"");
  CHECK_HAS(step.err, "; the code that failed is " + file + "'s.\n");
}
