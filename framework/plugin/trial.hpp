/// A library that nobody knows is loaded by a child process first.
#pragma once
#include <string>

#include "plugin/child.hpp"
#include "plugin/image.hpp"

namespace lamina {

/// Loads the library in a child, takes and checks its description there. std::runtime_error with the end of a sentence for whatever goes
/// wrong: it crashes, hangs, ends the process, wants too much memory, is refused, or its description does not hold. The limits, 10 s and
/// 4 GiB of address space, can be set by LAMINA_PLUGIN_SECONDS and LAMINA_PLUGIN_GIB.
void try_out(const LibraryImage& image, const std::string& kind, const std::string& name);

/// What such a child does: part of the jobs that every main hands to child_main.
ChildJobs trial_jobs();

}  // namespace lamina
