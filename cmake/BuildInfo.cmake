# Run at every build (cmake -P): writes OUT anew only when the commit or the tree's cleanness has changed.
set(commit unknown)
find_program(GIT git)
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
    OUTPUT_VARIABLE described RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT failed)
    set(commit ${described})
  endif()
endif()
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT [[
#include "base/build.hpp"

namespace lamina {

const char* build_version() { return "@VERSION@"; }
const char* build_commit() { return "@commit@"; }
const char* build_compiler() { return "@COMPILER@"; }

}  // namespace lamina
]])
