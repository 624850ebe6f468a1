#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "cli/crashes.hpp"
#include "cli/program.hpp"

int main(int count, char** words) {
  const lamina::cli::Environment environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  if (const auto code = lamina::child_main(count, words, lamina::cli::child_jobs())) return *code;
  lamina::cli::tell_crashes();
  std::ios::sync_with_stdio(false);
  return lamina::cli::run_program({words + (count > 0), words + count},
                                  {std::cout, std::cerr, isatty(STDOUT_FILENO) != 0, isatty(STDERR_FILENO) != 0, environment});
}
