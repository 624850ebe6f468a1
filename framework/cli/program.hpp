/// The program behind main: arguments in, exit code out, all output to streams.
#pragma once
#include <ostream>
#include <string>
#include <vector>

#include "cli/terminal.hpp"
#include "plugin/child.hpp"

namespace lamina::cli {

struct Streams {
  std::ostream &out, &err;
  bool out_is_terminal = false, err_is_terminal = false;
  Environment environment;
};

/// Runs one command. `words`: the arguments without the program's name. Throws nothing: everything that goes wrong is told on `err` and has
/// its exit code.
int run_program(const std::vector<std::string>& words, const Streams& streams) noexcept;

/// What every program of this project can be asked to do in a child process: its main hands them to child_main.
ChildJobs child_jobs();

/// Tells what is being caught on `err`, with --json also on `out`: as a document, or as a line where `events` are told. Returns its exit
/// code. Only within a catch.
int tell_failure(Console& console, bool events);

}  // namespace lamina::cli
