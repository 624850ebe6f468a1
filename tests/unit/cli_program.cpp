// The program from its words to its exit code, on streams.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <new>
#include <sstream>

#include "cli/arguments.hpp"
#include "cli/program.hpp"
#include "config/faults.hpp"

using namespace lamina;
using namespace lamina::cli;
namespace fs = std::filesystem;

namespace {

struct Outcome {
  int code;
  std::string out, err;
};
Outcome lamina_says(const std::vector<std::string>& words, const std::map<std::string, std::string>& variables = {}) {
  std::ostringstream out, err;
  const Environment environment = [&](const std::string& name) {
    const auto at = variables.find(name);
    return at == variables.end() ? std::nullopt : std::optional<std::string>(at->second);
  };
  const int code = run_program(words, {out, err, false, false, environment});
  return {code, out.str(), err.str()};
}

struct Folder {
  fs::path root;
  Folder() {
    std::string name = (fs::temp_directory_path() / "lamina-cli-XXXXXX").string();
    root = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(root); }
  std::string write(const std::string& name, const std::string& text) const {
    fs::create_directories((root / name).parent_path());
    std::ofstream(root / name) << text;
    return (root / name).string();
  }
};

template <class Thrown>
Outcome telling(Thrown thrown, bool json = false) {
  std::ostringstream out, err;
  Console console{out, err};
  console.json = json;
  try {
    throw thrown;
  } catch (...) {
    const int code = tell_failure(console, false);
    return {code, out.str(), err.str()};
  }
}

#define CHECK_HAS(text, part) CHECK_MESSAGE((text).find(part) != std::string::npos, (text))

}  // namespace

TEST_CASE("without arguments and with --help there is help, examples first") {
  const Outcome bare = lamina_says({});
  CHECK(bare.code == 0);
  CHECK(bare.err.empty());
  CHECK(bare.out.find("Examples:") < bare.out.find("Commands:"));
  for (const char* command :
       {"run", "resume", "check", "summary", "evaluate", "predict", "compare-backends", "bench", "plugins", "backends"}) {
    CHECK_HAS(bare.out, std::string("\n  ") + command);
    const Outcome help = lamina_says({command, "--help"});
    CHECK(help.code == 0);
    CHECK(help.out.rfind("Examples:\n  lamina ", 0) == 0);
    CHECK_HAS(help.out, std::string("Usage: lamina ") + command);
    CHECK(lamina_says({"help", command}).out == help.out);
  }
  CHECK_HAS(lamina_says({"plugins"}).out, "describe");
  CHECK_HAS(lamina_says({"plugins", "describe", "-h"}).out, "Usage: lamina plugins describe [KIND] NAME");
  CHECK(lamina_says({"--version"}).out.rfind("lamina ", 0) == 0);
}

TEST_CASE("a command line that cannot be meant ends with code 2 and the nearest name") {
  const auto refused = [](const std::vector<std::string>& words, const std::string& part) {
    const Outcome o = lamina_says(words);
    CHECK(o.code == 2);
    CHECK(o.out.empty());
    CHECK_HAS(o.err, part);
    CHECK_HAS(o.err, "--help`");
  };
  refused({"rnu", "x.json"}, "There is no command \"lamina rnu\"; did you mean \"run\"?");
  refused({"plugins", "lsit"}, "There is no command \"lamina plugins lsit\"; did you mean \"list\"?");
  refused({"frobnicate"}, "there are: run, resume, check");
  refused({"run"}, "\"lamina run\" wants EXPERIMENT.json.");
  refused({"resume", "runs/a", "--set", "training.epochs=3"}, "of a run only the backend can be changed");
  refused({"compare-backends", "a.json", "--tolerance", "-1"}, "\"-1\" is no number that is at least 0");
  refused({"compare-backends", "a.json", "--backends", "cpu"}, "There is nothing to compare \"cpu\" with");
  refused({"bench", "a.json", "--steps", "0"}, "is not at least 1");
  refused({"predict", "runs/a", "in.h5"}, "wants OUT.h5.");
  refused({"predict", "runs/a", "in.h5", "out.h5", "--split", "test"}, "IN.h5 is left out then");
  refused({"predict", "runs/a", "in.h5", "out.h5", "--set", "dataset.test=x.csv"}, "is for --split");
  refused({"run", "--sede", "1", "x.json"}, "there is no option \"--sede\"; did you mean \"--seed\"?");
  refused({"run", "--sede=1"}, "there is no option \"--sede\"");
  refused({"--jsn"}, "There is no option \"--jsn\"; did you mean \"--json\"?");
  refused({"run", "x.json", "--seed"}, "--seed wants a value.");
  refused({"run", "x.json", "--seed", "1.5"}, "--seed: \"1.5\" is no integer.");
  refused({"run", "x.json", "--seed", "1", "--seed", "2"}, "--seed is given more often than once.");
  refused({"run", "x.json", "--max-steps", "0"}, "\"0\" is not at least 1");
  refused({"run", "x.json", "--max-steps", "99999999999999999999"}, "is no integer");
  refused({"run", "x.json", "--set", "epochs"}, "no path=value");
  refused({"run", "x.json", "y.json"}, "does not know what to do with \"y.json\"");
  refused({"plugins", "list", "--kind", "layers"}, "no kind of plugin called \"layers\"; did you mean \"layer\"?");
  refused({"backends", "--color", "blue"}, "\"blue\" is none of auto, always, never");
  refused({"r\033[31mn"}, "\\u001b[31m");
}

TEST_CASE("arguments become values; seed and backend are overrides that come last") {
  const Arguments a = parse_arguments({"--json", "run", "x.json", "--backend", "cpu", "--set", "a=1", "-q", "--seed=-7", "--set", "b=[1,2]",
                                       "--max-steps", "10", "--plugin-path", "p", "--plugin-path", "q", "--out", "there"});
  CHECK(a.command == Command::run);
  CHECK(a.experiment == "x.json");
  CHECK(a.overrides == std::vector<std::string>{"a=1", "b=[1,2]", "seed=-7", "backend.type=\"cpu\""});
  CHECK(a.max_steps == 10);
  CHECK(a.out == "there");
  CHECK(a.plugin_path == std::vector<std::string>{"p", "q"});
  CHECK(a.json);
  CHECK(a.quiet);
  CHECK(!a.verbose);
  const Arguments p = parse_arguments({"predict", "--layer", "c1", "r", "in.h5", "out.h5", "--layer", "c2"});
  CHECK(p.layers == std::vector<std::string>{"c1", "c2"});
  CHECK(p.run == "r");
  CHECK(p.output == "out.h5");
  CHECK(parse_arguments({"evaluate", "r"}).split == "test");
  CHECK(parse_arguments({"resume", "run"}).run == "run");
  CHECK(parse_arguments({"check", "--", "-x.json"}).experiment == "-x.json");
  const Arguments c =
      parse_arguments({"compare-backends", "a.json", "--backends", "reference,vulkan:1", "--steps", "5", "--tolerance", "1e-3"});
  CHECK(c.backends == std::vector<std::string>{"reference", "vulkan:1"});
  CHECK(c.steps == 5);
  CHECK(c.tolerance == 1e-3);
  CHECK(!parse_arguments({"bench", "a.json"}).steps);
  CHECK(parse_arguments({"run", "a.json", "--profile"}).profile);
  for (const char* command : {"resume", "evaluate"})
    CHECK(parse_arguments({command, "r", "--backend", "vulkan:1", "--set", "backend.threads=2"}).overrides ==
          std::vector<std::string>{"backend.threads=2", "backend.type=\"vulkan\"", "backend.device=\"1\""});
  const Arguments d = parse_arguments({"plugins", "describe", "schedule", "constant"});
  CHECK(d.kind == "schedule");
  CHECK(d.name == "constant");
  CHECK(!parse_arguments({"plugins", "describe", "list"}).kind);
}

TEST_CASE("every failure is a sentence with its exit code, and no control character gets through") {
  const Outcome plugin = telling(Failure(Exit::plugin, "A \033]0;evil\a b.\nsecond line"));
  CHECK(plugin.code == 4);
  CHECK(plugin.err == "error: A \\u001b]0;evil\\u0007 b.\nsecond line\n");
  CHECK(telling(Failure(Exit::backend, "x")).code == 5);
  CHECK(telling(Failure(Exit::diverged, "x")).code == 6);
  const Outcome memory = telling(std::bad_alloc());
  CHECK(memory.code == 1);
  CHECK_HAS(memory.err, "not enough memory");
  const Outcome unknown = telling(std::runtime_error("boom"));
  CHECK(unknown.code == 1);
  CHECK_HAS(unknown.err, "Something unexpected went wrong: boom");
  CHECK(telling(42).code == 1);

  Fault fault{{Position{std::make_shared<SourceText>(SourceText{"a.json"}), 3, 7, 20}, "/training/epoch"}, "unknown key", Exit::experiment};
  const Outcome faults = telling(ConfigError({fault, fault}), true);
  CHECK(faults.code == 3);
  CHECK(faults.err == "a.json:3:7  /training/epoch: unknown key\na.json:3:7  /training/epoch: unknown key\n2 faults; nothing was run.\n");
  CHECK_HAS(faults.out, "\"line\": 3");
  CHECK_HAS(faults.out, "\"pointer\": \"/training/epoch\"");
  CHECK_HAS(faults.out, "\"exit_code\": 3");
}

TEST_CASE("files that are none of what is wanted are refused with their exit codes") {
  Folder folder;
  CHECK(lamina_says({"check", (folder.root / "none.json").string()}).code == 3);
  const Outcome broken = lamina_says({"check", folder.write("broken.json", "{\"name\": }")});
  CHECK(broken.code == 3);
  CHECK_HAS(broken.err, "broken.json:1:10");
  CHECK_HAS(broken.err, "1 fault; nothing was run.\n");
  for (const char* command : {"resume", "evaluate"}) {
    const Outcome no_run = lamina_says({command, folder.root.string()});
    CHECK(no_run.code == 2);
    CHECK_HAS(no_run.err, "is no run folder");
  }
  CHECK(lamina_says({"--plugin-path", (folder.root / "none").string(), "backends"}).code == 4);
  CHECK(lamina_says({"run", folder.write("empty.json", "{}"), "--out", (folder.root / "runs").string()}).code == 3);
  CHECK(!fs::exists(folder.root / "runs"));
}

TEST_CASE("plugins are listed and described from their declarations; a broken one with its reason") {
  Folder folder;
  const std::string own = (folder.root / "plugins").string();
  folder.write("plugins/layers/broken.so", "no library");
  folder.write("plugins/backends/ghost.so", "no library");
  folder.write("plugins/layers/evil\033[31m.so", "no library");
  const std::vector<std::string> paths = {"--plugin-path", LAMINA_TEST_PLUGINS, "--plugin-path", own};
  const auto with_paths = [&](std::vector<std::string> words) {
    words.insert(words.begin(), paths.begin(), paths.end());
    return lamina_says(words);
  };
  const Outcome list = with_paths({"plugins", "list", "--kind", "layer"});
  CHECK(list.code == 0);
  CHECK_HAS(list.out, "layer  gated");
  CHECK_HAS(list.out, "layers/gated.so");
  CHECK_HAS(list.out, "broken.so\" is no shared library");
  CHECK(list.out.find('\033') == std::string::npos);
  CHECK(list.out.find("loss ") == std::string::npos);
  const Outcome json = with_paths({"plugins", "list", "--json"});
  CHECK_HAS(json.out, "\"name\": \"gated\"");
  CHECK(json.out.find('\033') == std::string::npos);

  const Outcome page = with_paths({"plugins", "describe", "gated"});
  CHECK(page.code == 0);
  CHECK_HAS(page.out, "gated, a layer");
  CHECK_HAS(page.out, "beta  real in [0, inf); default 1");
  CHECK_HAS(page.out, "\"type\": \"gated\"");
  CHECK_HAS(page.out, "gated.so");
  CHECK_HAS(with_paths({"plugins", "describe", "layer", "gated", "--json"}).out, "\"default\": 1.0");
  const Outcome none = with_paths({"plugins", "describe", "gaetd"});
  CHECK(none.code == 4);
  CHECK_HAS(none.err, "did you mean \"gated\"?");
  const Outcome two = lamina_says({"--plugin-path", LAMINA_PLUGINS, "plugins", "describe", "constant"});
  CHECK(two.code == 2);
  CHECK_HAS(two.err,
            "lamina plugins describe initializer constant\n  lamina plugins describe layer constant\n  lamina plugins describe schedule "
            "constant");

  const Outcome backends = with_paths({"--plugin-path", LAMINA_PLUGINS, "backends"});
  CHECK(backends.code == 0);
  CHECK_HAS(backends.out, "ghost");
  CHECK_HAS(backends.out, "reference");
  CHECK_HAS(backends.out, "is no shared library");
  CHECK_HAS(with_paths({"backends", "-v"}).out, "two_ops 0: cpu\n  matrices only\n  no reductions\n");
  const Outcome checked = with_paths({"--plugin-path", LAMINA_PLUGINS, "backends", "--check"});
  CHECK(checked.code == 5);
  CHECK_HAS(checked.out, "cpu 0: ");
  CHECK_HAS(checked.out, "  ok: largest distance");
  CHECK_HAS(checked.out, "two_ops 0: cpu  failed: ");
  CHECK_HAS(with_paths({"--plugin-path", LAMINA_PLUGINS, "backends", "--check", "--json"}).out, "\"tolerance\": 1e-04");
}

TEST_CASE("colour follows the option, then the environment, then the stream") {
  const auto colored = [](bool is_terminal, ColorMode mode, std::map<std::string, std::string> variables) {
    return terminal(1, is_terminal, mode,
                    [variables](const std::string& name) {
                      const auto at = variables.find(name);
                      return at == variables.end() ? std::nullopt : std::optional<std::string>(at->second);
                    })
        .color;
  };
  using enum ColorMode;
  CHECK(colored(true, automatic, {}));
  CHECK(!colored(false, automatic, {}));
  CHECK(!colored(true, automatic, {{"NO_COLOR", "1"}}));
  CHECK(colored(true, automatic, {{"NO_COLOR", ""}}));
  CHECK(!colored(true, automatic, {{"TERM", "dumb"}}));
  CHECK(colored(false, automatic, {{"CLICOLOR_FORCE", "1"}}));
  CHECK(!colored(false, automatic, {{"CLICOLOR_FORCE", "0"}}));
  CHECK(!colored(false, automatic, {{"CLICOLOR_FORCE", "1"}, {"NO_COLOR", "1"}}));
  CHECK(colored(false, always, {{"NO_COLOR", "1"}}));
  CHECK(!colored(true, never, {{"CLICOLOR_FORCE", "1"}}));
  CHECK_HAS(lamina_says({"rnu", "--color", "never"}, {{"CLICOLOR_FORCE", "1"}}).err, "error:");
}

TEST_CASE("only a terminal that is not dumb is drawn over, and only UTF-8 locales get line characters") {
  const auto seen = [](bool is_terminal, std::map<std::string, std::string> variables) {
    return terminal(1, is_terminal, ColorMode::automatic, [variables](const std::string& name) {
      const auto at = variables.find(name);
      return at == variables.end() ? std::nullopt : std::optional<std::string>(at->second);
    });
  };
  CHECK(seen(true, {{"TERM", "xterm"}}).redraws);
  CHECK(!seen(true, {{"TERM", "dumb"}}).redraws);
  CHECK(!seen(false, {}).redraws);
  CHECK(seen(true, {{"LANG", "de_DE.UTF-8"}}).unicode);
  CHECK(seen(true, {{"LANG", "C"}, {"LC_ALL", "C.utf8"}}).unicode);
  CHECK(!seen(true, {{"LANG", "en_US.UTF-8"}, {"LC_ALL", "C"}}).unicode);
  CHECK(!seen(true, {}).unicode);
}
