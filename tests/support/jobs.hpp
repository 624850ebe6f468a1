/// What tests ask of child processes of their own program.
#pragma once
#include "plugin/child.hpp"

namespace lamina::test {

/// Answers, refusals, crashes, lies: by name.
ChildJobs jobs();

}  // namespace lamina::test
