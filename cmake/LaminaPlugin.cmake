# lamina_add_plugin(NAME KIND kind SOURCES files… [SHADERS files…] [LIBRARIES targets…] [ROOT folder] [TARGET target]): a library FOLDER/NAME.so
# below `plugins` of the build folder, where FOLDER is the kind's (layers, losses, …): `lamina --plugin-path build/plugins` finds it there.
# - It exports lamina_plugin_v1 alone and needs nothing of the program that loads it: looked at after linking, with a sentence if not.
# - SHADERS are text files for the sources to include: x.glsl as "x.glsl.hpp", see EmbedText.cmake.
# - LIBRARIES are linked. What else a plugin needs (definitions, options) is said of TARGET, as of any; it is FOLDER_NAME if not given.
# - `cmake --install` puts it beside Lamina's own. Where Lamina comes from find_package, the target `check` has the program prove it.
# - ROOT, another place than `plugins`, is for libraries that only tests and measurements load: they are neither installed nor checked.
include(${CMAKE_CURRENT_LIST_DIR}/EmbedText.cmake)
set(LAMINA_EXPORTS ${CMAKE_CURRENT_LIST_DIR}/plugin.exports)
set(LAMINA_CHECK_EXPORTS ${CMAKE_CURRENT_LIST_DIR}/CheckExports.cmake)
set(LAMINA_KINDS layer loss metric initializer optimizer schedule transform dataset backend)

# The folder of a kind: layers, losses, …
function(lamina_folder kind out)
  if(kind STREQUAL "loss")
    set(${out} losses PARENT_SCOPE)
  else()
    set(${out} ${kind}s PARENT_SCOPE)
  endif()
endfunction()

function(lamina_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "KIND;ROOT;TARGET" "SOURCES;SHADERS;LIBRARIES")
  set(here "lamina_add_plugin(${name})")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${here}: \"${arg_UNPARSED_ARGUMENTS}\" belongs to nothing; wanted KIND, SOURCES, SHADERS, LIBRARIES, ROOT or TARGET before it")
  endif()
  if(NOT name MATCHES "^[a-z][a-z0-9_]*$")
    message(FATAL_ERROR "${here}: a plugin's name is lower case letters, digits and _, and begins with a letter")
  endif()
  if(NOT arg_KIND IN_LIST LAMINA_KINDS)
    list(JOIN LAMINA_KINDS ", " kinds)
    message(FATAL_ERROR "${here}: KIND is \"${arg_KIND}\"; wanted one of ${kinds}")
  endif()
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "${here}: there are no SOURCES")
  endif()
  lamina_folder(${arg_KIND} folder)
  set(target ${folder}_${name})
  if(arg_TARGET)
    set(target ${arg_TARGET})
  endif()
  set(root ${CMAKE_BINARY_DIR}/plugins)
  if(arg_ROOT)
    set(root ${arg_ROOT})
  endif()

  add_library(${target} MODULE ${arg_SOURCES})
  lamina_embed_text(${target} ${arg_SHADERS})
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_compile_options(${target} PRIVATE $<$<CONFIG:>:-O2>)  # a project without build type is not meant to be slow
  target_link_libraries(${target} PRIVATE Lamina::headers ${arg_LIBRARIES})
  set_target_properties(${target} PROPERTIES
    PREFIX "" SUFFIX .so OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY ${root}/${folder} CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON
    LINK_DEPENDS "${LAMINA_EXPORTS};${LAMINA_CHECK_EXPORTS}")
  target_link_options(${target} PRIVATE -Wl,--version-script=${LAMINA_EXPORTS} -Wl,--gc-sections)
  set(imports yes)
  if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")  # a sanitizer's functions are in the program
    set(imports no)
  endif()
  add_custom_command(TARGET ${target} POST_BUILD VERBATIM
    COMMAND ${CMAKE_COMMAND} -DLIBRARY=$<TARGET_FILE:${target}> -DNM=${CMAKE_NM} -DIMPORTS=${imports} -P ${LAMINA_CHECK_EXPORTS})

  if(NOT arg_ROOT)
    install(TARGETS ${target} LIBRARY DESTINATION lib/lamina/plugins/${folder})
    if(TARGET Lamina::lamina)
      if(NOT TARGET check)
        add_custom_target(check)
      endif()
      add_custom_target(check_${target} VERBATIM COMMAND Lamina::lamina plugins check $<TARGET_FILE:${target}>)
      add_dependencies(check_${target} ${target})
      add_dependencies(check check_${target})
    endif()
  endif()
endfunction()
