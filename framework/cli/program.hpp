/// The program behind main: arguments in, exit code out, all output to streams.
#pragma once
#include <ostream>
#include <string>
#include <vector>

#include "cli/terminal.hpp"

namespace lamina::cli {

struct Streams {
  std::ostream &out, &err;
  bool out_is_terminal = false, err_is_terminal = false;
  Environment environment;
};

/// Runs one command. `words`: the arguments without the program's name. Throws nothing: everything that goes wrong is told on `err` and has
/// its exit code.
int run_program(const std::vector<std::string>& words, const Streams& streams) noexcept;

/// Tells what is being caught on `err`, with --json also on `out`: as a document, or as a line where `events` are told. Returns its exit
/// code. Only within a catch.
int tell_failure(Console& console, bool events);

}  // namespace lamina::cli
