# lamina_add_plugin(NAME KIND_FOLDER SOURCES...): a plugin library plugins/KIND_FOLDER/NAME.so that exports one symbol and imports none of the host's.
include(${CMAKE_CURRENT_LIST_DIR}/EmbedText.cmake)
set(LAMINA_EXPORTS ${CMAKE_CURRENT_LIST_DIR}/plugin.exports)
set(LAMINA_PUBLIC_HEADERS ${CMAKE_CURRENT_LIST_DIR}/../framework/include)

function(lamina_add_plugin name folder)
  set(target ${folder}_${name})
  string(REPLACE "/" "_" target ${target})
  add_library(${target} MODULE ${ARGN})
  target_include_directories(${target} PRIVATE ${LAMINA_PUBLIC_HEADERS})
  target_compile_features(${target} PRIVATE cxx_std_20)
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins/${folder}
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON
    LINK_DEPENDS ${LAMINA_EXPORTS})
  target_link_options(${target} PRIVATE -Wl,--version-script=${LAMINA_EXPORTS} -Wl,--gc-sections)
  if(NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize")  # a sanitizer's functions are in the program
    target_link_options(${target} PRIVATE -Wl,--no-undefined)
  endif()
endfunction()
