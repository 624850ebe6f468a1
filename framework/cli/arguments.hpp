/// The command line as plain values.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.hpp"
#include "cli/terminal.hpp"

namespace lamina::cli {

/// A command line that says nothing that can be done; ends the program with exit code 2.
struct UsageError : Failure {
  /// `command`: whose help may be of use, "run"; "" for the program's.
  UsageError(const std::string& sentence, std::string command = "") : Failure(Exit::usage, sentence), command(std::move(command)) {}
  std::string command;
};

enum class Command {
  help,
  run,
  resume,
  check,
  summary,
  evaluate,
  predict,
  compare_backends,
  bench,
  plugins_list,
  plugins_describe,
  plugins_new,
  plugins_document,
  schema,
  plugins_check,
  backends
};

struct Arguments {
  Command command = Command::help;
  std::string help;  ///< what `help` prints: a help page or the version

  std::filesystem::path experiment, run, input, output;  ///< input: of predict empty where a split is predicted
  std::vector<std::string> overrides;  ///< path=value; --seed and --backend come last
  std::filesystem::path out = "runs";
  std::optional<int64_t> max_steps;
  std::optional<int64_t> fold;  ///< run: 0 for all
  bool print_resolved = false;
  bool check = false;     ///< backends: also run the self-test
  bool profile = false;   ///< run: also time the ops
  bool markdown = false;  ///< plugins describe: as a page of docs/plugins
  std::string split = "test";
  std::optional<std::filesystem::path> checkpoint;
  std::string weights;  ///< "best", "last", or "" where nothing is said
  std::vector<std::string> layers;
  std::vector<std::string> only;      ///< plugins check: these checks alone
  std::vector<std::string> backends;  ///< "cpu", "vulkan:1"; the first is the truth
  std::optional<int64_t> steps;
  int64_t warm_up = 10;
  double tolerance = 1e-3;
  bool drift = false;
  std::optional<std::string> kind;
  std::string name;
  std::optional<std::filesystem::path> folder;  ///< plugins new: where it writes; else a folder called as the plugin

  // Of all commands:
  std::vector<std::string> plugin_path;
  bool safe = false;  ///< plugins beside the program alone
  bool json = false, quiet = false, verbose = false;
  ColorMode color = ColorMode::automatic;
};

/// "vulkan:1" → backend.type="vulkan", backend.device="1"; without a colon the type alone.
std::vector<std::string> backend_overrides(const std::string& spec);

/// `words`: the arguments without the program's name. Throws UsageError with the nearest command or option name.
Arguments parse_arguments(const std::vector<std::string>& words);

}  // namespace lamina::cli
