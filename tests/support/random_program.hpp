/// Random programs: a few hundred ops over small tensors, with states, inputs and numbers of the step.
#pragma once
#include "prove/recording.hpp"

namespace lamina::test {
using namespace prove;

/// Records the same program for the same seed. Values stay moderate. `steep` allows functions that jump. Inputs: "x" float32 [4, 6] and
/// "n" int32 [6]; states are written by write_states.
void record_random_program(Recording& r, const std::string& seed, int ops, bool steep);
std::map<std::string, Array> random_inputs(const std::string& seed);
void write_states(program::Session& session, const std::string& seed);

}  // namespace lamina::test
