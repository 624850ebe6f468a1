/// Plays a planned program through without computing: whether every value is where its readers look for it.
#pragma once
#include <string>

#include "program/lowered.hpp"

namespace lamina::test {

/// "" where every operand, output and committed state is intact when it is read; else the first fault. A reshape that stands in its
/// operand's place counts as a view of it; any other result that does overwrites it.
std::string memory_fault(const program::Lowered& program);

}  // namespace lamina::test
