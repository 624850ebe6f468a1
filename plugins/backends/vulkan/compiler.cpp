#include "compiler.hpp"

#include <glslang/Public/ResourceLimits.h>
#include <glslang/Public/ShaderLang.h>
#include <glslang/SPIRV/GlslangToSpv.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include <lamina/plugin.hpp>

#include "cache.hpp"
#include "shader_files.hpp"

namespace lamina::vulkan {
namespace {

/// Puts the files that `#include "x.glsl"` names in their places; each once.
void append(std::string& to, std::string_view text, std::vector<std::string>& included) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    constexpr std::string_view start = "#include \"";
    if (!line.starts_with(start)) {
      to += line;
      continue;
    }
    const std::string name(line.substr(start.size(), line.find('"', start.size()) - start.size()));
    if (std::find(included.begin(), included.end(), name) != included.end()) continue;
    included.push_back(name);
    append(to, shader_file(name), included);
    if (!to.ends_with('\n')) to += '\n';
  }
}

std::vector<uint32_t> translate(const std::string& name, const std::string& text) {
  static const bool ready = glslang::InitializeProcess();
  if (!ready) throw Error("the GLSL compiler could not be started");
  glslang::TShader shader(EShLangCompute);
  const char* strings = text.c_str();
  shader.setStrings(&strings, 1);
  shader.setEnvInput(glslang::EShSourceGlsl, EShLangCompute, glslang::EShClientVulkan, 450);
  shader.setEnvClient(glslang::EShClientVulkan, glslang::EShTargetVulkan_1_2);
  shader.setEnvTarget(glslang::EShTargetSpv, glslang::EShTargetSpv_1_5);
  const auto messages = EShMessages(EShMsgSpvRules | EShMsgVulkanRules);
  glslang::TProgram program;
  const auto refuse = [&](const char* log) {
    std::string what = "the shader '" + name + "' does not compile:\n" + log;
    // The line that the first message means ("ERROR: 0:12: …").
    if (const char* at = std::strstr(log, "ERROR: 0:")) {
      size_t line = size_t(std::atoi(at + 9)), begin = 0;
      while (line > 1 && begin != text.npos) begin = text.find('\n', begin), begin += begin != text.npos, --line;
      if (begin != text.npos) what += "in: " + text.substr(begin, text.find('\n', begin) - begin);
    }
    throw Error(what);
  };
  if (!shader.parse(GetDefaultResources(), 450, false, messages)) refuse(shader.getInfoLog());
  program.addShader(&shader);
  if (!program.link(messages)) refuse(program.getInfoLog());
  std::vector<uint32_t> words;
  glslang::SpvOptions options;
  options.disableOptimizer = true;
  glslang::GlslangToSpv(*program.getIntermediate(EShLangCompute), words, &options);
  return words;
}

/// What the same text may be compiled to differs from one version to the next.
std::string compiler_version() {
  const glslang::Version v = glslang::GetVersion();
  return describe("// glslang ", v.major, ".", v.minor, ".", v.patch, "\n");
}

/// Which storage buffers the code has and how it may use them, from its decorations.
void reflect(Code& code) {
  constexpr uint32_t op_type_pointer = 32, op_variable = 59, op_decorate = 71, op_member_decorate = 72;
  constexpr uint32_t binding = 33, non_writable = 24, storage_buffer = 12;
  std::map<uint32_t, uint32_t> bindings, pointee, variables;
  std::set<uint32_t> readonly;
  for (size_t at = 5; at < code.words.size();) {
    const uint32_t* w = code.words.data() + at;
    const uint32_t length = w[0] >> 16, op = w[0] & 0xffff;
    if (!length || at + length > code.words.size())
      throw Error("the shader '" + code.name + "' was compiled to something that is no SPIR-V");
    if (op == op_decorate && length > 3 && w[2] == binding) bindings[w[1]] = w[3];
    if (op == op_decorate && length > 2 && w[2] == non_writable) readonly.insert(w[1]);
    if (op == op_member_decorate && length > 3 && w[3] == non_writable) readonly.insert(w[1]);
    if (op == op_type_pointer && length > 3 && w[2] == storage_buffer) pointee[w[1]] = w[3];
    if (op == op_variable && length > 3 && w[3] == storage_buffer) variables[w[2]] = w[1];
    at += length;
  }
  for (const auto& [variable, pointer] : variables) {
    const auto at = bindings.find(variable);
    if (at == bindings.end() || at->second >= 64) continue;
    const uint64_t bit = uint64_t(1) << at->second;
    code.bindings |= bit;
    if (!readonly.count(variable) && !readonly.count(pointee[pointer])) code.writes |= bit;
  }
}

}  // namespace

std::string_view shader_file(const std::string& name) {
  for (const auto& [file, text] : shader_files)
    if (name == file) return text;
  throw Error("there is no shader file '" + name + "'");
}

std::string text_of(const Shader& shader) {
  std::string text = "#version 450\n" + shader.definitions;
  if (!text.ends_with('\n')) text += '\n';
  std::vector<std::string> included;
  append(text, shader.source.empty() ? shader_file(shader.name) : std::string_view(shader.source), included);
  return text;
}

const Code& compiled(const Shader& shader) {
  static std::mutex mutex;
  static auto* known = new std::map<std::string, std::unique_ptr<Code>>;
  const std::string text = text_of(shader);
  std::lock_guard lock(mutex);
  auto& code = (*known)[text];
  if (code) return *code;
  auto made = std::make_unique<Code>();
  made->name = shader.name;
  const std::string key = compiler_version() + text, file = hexadecimal(hash_of(key)) + ".spv";
  if (const auto cached = read_cached(file, key); cached && cached->size() % 4 == 0 && cached->size() > 20) {
    made->words.resize(cached->size() / 4);
    std::memcpy(made->words.data(), cached->data(), cached->size());
  } else {
    made->words = translate(shader.name, text);
    write_cached(file, key, {reinterpret_cast<const char*>(made->words.data()), made->words.size() * 4});
  }
  reflect(*made);
  code = std::move(made);
  return *code;
}

}  // namespace lamina::vulkan
