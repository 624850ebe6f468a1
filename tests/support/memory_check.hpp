/// Plays a planned program through without computing: whether every value is where its readers look for it.
#pragma once
#include <string>

#include "program/lowered.hpp"

namespace lamina::test {

/// "" where every operand, output and committed state is intact when it is read; else the first fault. A result that stands in its
/// operand's place overwrites it, unless the plan says that it is a view.
std::string memory_fault(const program::Lowered& program);

}  // namespace lamina::test
