# find_package(Lamina): Lamina::headers is what plugins include, Lamina::lamina the program, lamina_add_plugin makes a plugin.
# Everything is found from where this file lies, so the prefix may be moved.
get_filename_component(_lamina_prefix ${CMAKE_CURRENT_LIST_DIR}/../../.. ABSOLUTE)
if(NOT TARGET Lamina::headers)
  add_library(Lamina::headers INTERFACE IMPORTED)
  set_target_properties(Lamina::headers PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${_lamina_prefix}/include)
  add_executable(Lamina::lamina IMPORTED)
  set_target_properties(Lamina::lamina PROPERTIES IMPORTED_LOCATION ${_lamina_prefix}/bin/lamina)
endif()
unset(_lamina_prefix)
include(${CMAKE_CURRENT_LIST_DIR}/LaminaPlugin.cmake)
