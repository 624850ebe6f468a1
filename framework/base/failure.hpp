/// What ends a command: a sentence for the user and the program's exit code.
#pragma once
#include <stdexcept>
#include <string>

namespace lamina {

/// The program's exit codes; 0 is success, 130 and 143 are signals.
enum class Exit { failed = 1, usage = 2, experiment = 3, plugin = 4, backend = 5, diverged = 6, some_trials = 7 };

struct Failure : std::runtime_error {
  Failure(Exit exit, const std::string& sentence) : std::runtime_error(sentence), exit(exit) {}
  Exit exit;
};

}  // namespace lamina
