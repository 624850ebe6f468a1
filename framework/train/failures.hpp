/// Exit codes of what goes wrong with files during a run.
#pragma once
#include "base/failure.hpp"
#include "record/array.hpp"
#include "record/journal.hpp"

namespace lamina {

/// Runs `body`; a file or journal that fails becomes a Failure with this exit code. What is read is data (Exit::experiment), what is
/// written is the run's own work (Exit::failed).
template <class Body>
auto with_exit(Exit exit, Body body) {
  try {
    return body();
  } catch (const FileError& e) {
    throw Failure(exit, e.what());
  } catch (const JournalError& e) {
    throw Failure(exit, e.what());
  }
}

}  // namespace lamina
