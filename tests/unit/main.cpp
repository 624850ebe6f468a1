#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "cli/program.hpp"
#include "support/jobs.hpp"

int main(int count, char** words) {
  lamina::ChildJobs jobs = lamina::cli::child_jobs();
  jobs.merge(lamina::test::jobs());
  if (const auto code = lamina::child_main(count, words, jobs)) return *code;
  return doctest::Context(count, words).run();
}
