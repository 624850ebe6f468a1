# cmake -P: writes OUT, a C++ file that holds every file of SHADERS as text.
set(text "#include \"compiler.hpp\"\n\n#include <lamina/plugin.hpp>\n\nnamespace lamina::vulkan {\nnamespace {\nstruct File {\n  const char* name;\n  std::string_view text;\n};\nconst File files[] = {\n")
foreach(shader ${SHADERS})
  get_filename_component(name ${shader} NAME)
  file(READ ${shader} content)
  string(APPEND text "{\"${name}\", R\"glsl(${content})glsl\"},\n")
endforeach()
string(APPEND text "{\"\", \"\"}};\n}  // namespace
std::string_view shader_file(const std::string& name) {
  for (const File& f : files)
    if (name == f.name && !name.empty()) return f.text;
  throw Error(\"there is no shader file '\" + name + \"'\");
}
}  // namespace lamina::vulkan
")
file(WRITE ${OUT} "${text}")
