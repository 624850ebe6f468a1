#include "pipelines.hpp"

#include <lamina/plugin.hpp>

#include "cache.hpp"

namespace lamina::vulkan {

namespace {
std::string file_of(const GpuDevice& device) { return "pipelines-" + device.identity; }
}  // namespace

Pipelines::Pipelines(const GpuDevice& device) : device_(device) {
  const std::string known = read_cached(file_of(device), device.driver).value_or("");
  const VkPipelineCacheCreateInfo info{VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO, nullptr, 0, known.size(), known.data()};
  VkPipelineCache cache{};
  check(vkCreatePipelineCache(device.handle, &info, nullptr, &cache), "opening the pipeline cache");
  cache_ = {device.handle, cache};
}

OpenDevice& OpenDevice::get(Instance& instance, size_t number) {
  static std::mutex mutex;
  static auto* open = new std::map<std::pair<const Instance*, size_t>, std::unique_ptr<OpenDevice>>;
  std::lock_guard lock(mutex);
  auto& device = (*open)[{&instance, number}];
  if (!device) device.reset(new OpenDevice(instance, instance.devices().at(number)));
  return *device;
}

void Pipelines::save() {
  std::lock_guard lock(mutex_);
  if (made_.size() == saved_) return;
  size_t bytes = 0;
  if (vkGetPipelineCacheData(device_.handle, cache_, &bytes, nullptr) != VK_SUCCESS) return;
  std::string data(bytes, '\0');
  if (vkGetPipelineCacheData(device_.handle, cache_, &bytes, data.data()) != VK_SUCCESS) return;
  data.resize(bytes);
  write_cached(file_of(device_), device_.driver, data);
  saved_ = made_.size();
}

const Pipeline& Pipelines::get(const Dispatch& d) {
  const Code& code = compiled(d.shader);
  std::lock_guard lock(mutex_);
  auto& pipeline = made_[{&code, d.bindings.size(), d.push.size(), d.constants}];
  if (!pipeline) pipeline = make(d, code);
  return *pipeline;
}

std::unique_ptr<Pipeline> Pipelines::make(const Dispatch& d, const Code& code) {
  if (d.bindings.size() < 64 && code.bindings >> d.bindings.size())
    throw Error(describe("the shader '", code.name, "' has more storage buffers than the ", d.bindings.size(), " that it was given"));

  auto made = std::make_unique<Pipeline>();
  made->code = &code;
  std::vector<VkDescriptorSetLayoutBinding> bindings;
  for (uint32_t b = 0; b < d.bindings.size(); ++b)
    bindings.push_back({b, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr});
  const VkDescriptorSetLayoutCreateInfo sets{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, nullptr, 0, uint32_t(bindings.size()),
                                             bindings.data()};
  VkDescriptorSetLayout set{};
  check(vkCreateDescriptorSetLayout(device_.handle, &sets, nullptr, &set), "describing a shader's buffers");
  made->bindings = {device_.handle, set};
  const VkPushConstantRange push{VK_SHADER_STAGE_COMPUTE_BIT, 0, uint32_t(d.push.size() * 4)};
  const VkPipelineLayoutCreateInfo layouts{
      VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, nullptr, 0, 1, &set, d.push.empty() ? 0u : 1u, &push};
  VkPipelineLayout layout{};
  check(vkCreatePipelineLayout(device_.handle, &layouts, nullptr, &layout), "describing a shader's buffers");
  made->layout = {device_.handle, layout};

  const VkShaderModuleCreateInfo modules{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, nullptr, 0, code.words.size() * 4, code.words.data()};
  VkShaderModule module{};
  check(vkCreateShaderModule(device_.handle, &modules, nullptr, &module), "loading a shader");
  const DeviceOwned<VkShaderModule, vkDestroyShaderModule> owned(device_.handle, module);
  std::vector<VkSpecializationMapEntry> entries;
  for (uint32_t i = 0; i < d.constants.size(); ++i) entries.push_back({i, i * 4, 4});
  const VkSpecializationInfo constants{uint32_t(entries.size()), entries.data(), d.constants.size() * 4, d.constants.data()};
  const VkComputePipelineCreateInfo info{
      VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      nullptr,
      0,
      {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO, nullptr, 0, VK_SHADER_STAGE_COMPUTE_BIT, module, "main", &constants},
      layout,
      VkPipeline{},
      0};
  VkPipeline handle{};
  check(vkCreateComputePipelines(device_.handle, cache_, 1, &info, nullptr, &handle), ("compiling the shader '" + code.name + "'").c_str());
  made->handle = {device_.handle, handle};
  return made;
}

}  // namespace lamina::vulkan
