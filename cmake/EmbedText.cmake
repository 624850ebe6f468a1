# lamina_embed_text(TARGET FILES…): text files as part of a library. Of each, "x.glsl" for example, the build makes a header "x.glsl.hpp" with
#   inline constexpr char x_glsl[] = …;       (the file's bytes and a NUL; the name with _ for what no identifier may hold)
# which TARGET's sources can include, and makes it anew when the file changes. TARGET is of the folder that calls.
# lamina_embed_table(TARGET TABLE FILES…): the same, and a header TABLE.hpp, in which the array TABLE has a pair {file's name, text} for each.
# This file is also the script (cmake -P) that writes such a header OUT from the file TEXT.
if(CMAKE_SCRIPT_MODE_FILE)
  get_filename_component(file ${TEXT} NAME)
  string(MAKE_C_IDENTIFIER ${file} name)
  # Numbers, as no literal can be too long for a compiler or end before the text does; a line for each of the text's.
  file(READ ${TEXT} bytes HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
  string(REPLACE "'\\x0a'," "'\\n',\n" bytes "${bytes}")
  file(WRITE ${OUT} "#pragma once\n// ${file}\ninline constexpr char ${name}[] = {\n${bytes}0};\n")
  return()
endif()

set(LAMINA_EMBED_TEXT ${CMAKE_CURRENT_LIST_FILE})

# Where the headers are: among what CMake makes for the target.
function(lamina_embed_folder target out)
  set(${out} ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${target}.dir/embedded PARENT_SCOPE)
endfunction()

function(lamina_embed_text target)
  lamina_embed_folder(${target} folder)
  foreach(text ${ARGN})
    get_filename_component(text ${text} ABSOLUTE)
    get_filename_component(file ${text} NAME)
    set(header ${folder}/${file}.hpp)
    add_custom_command(OUTPUT ${header} DEPENDS ${text} ${LAMINA_EMBED_TEXT} VERBATIM
      COMMAND ${CMAKE_COMMAND} -DTEXT=${text} -DOUT=${header} -P ${LAMINA_EMBED_TEXT})
    target_sources(${target} PRIVATE ${header})
  endforeach()
  target_include_directories(${target} PRIVATE ${folder})
endfunction()

function(lamina_embed_table target table)
  lamina_embed_text(${target} ${ARGN})
  lamina_embed_folder(${target} folder)
  set(includes "")
  set(entries "")
  foreach(text ${ARGN})
    get_filename_component(file ${text} NAME)
    string(MAKE_C_IDENTIFIER ${file} name)
    string(APPEND includes "#include \"${file}.hpp\"\n")
    string(APPEND entries "    {\"${file}\", ${name}},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${folder}/${table}.hpp @ONLY CONTENT [[
#pragma once
#include <utility>

@includes@
inline constexpr std::pair<const char*, const char*> @table@[] = {
@entries@};
]])
endfunction()
