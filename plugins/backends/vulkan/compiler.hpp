/// GLSL to SPIR-V, with glslang as a library and a cache on disk.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lowering.hpp"

namespace lamina::vulkan {

/// The text of a file of shaders/, which are part of this library; throws Error for one that is not there.
std::string_view shader_file(const std::string& name);

/// The whole text of a shader: version, definitions, includes put in.
std::string text_of(const Shader& shader);

/// Compiled code, kept for the life of the process. Error with the compiler's message and the line it means. Any thread.
struct Code {
  std::string name;
  std::vector<uint32_t> words;
  /// Bit i: storage buffer `binding = i` of set 0 is there; may be written.
  uint64_t bindings = 0, writes = 0;
};
const Code& compiled(const Shader& shader);

}  // namespace lamina::vulkan
