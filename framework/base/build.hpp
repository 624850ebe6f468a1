/// What this program was built from, for the records of runs. Defined in a source that the build writes (cmake/BuildInfo.cmake).
#pragma once

namespace lamina {

const char* build_version();  ///< "0.1.0"
const char*
build_commit();  ///< of the source tree when it was built: "1a2b3c4d5e6f", "1a2b3c4d5e6f-dirty" with changes on top, or "unknown"
const char* build_compiler();  ///< "GNU 12.2.0, Release"

}  // namespace lamina
