/// Compute pipelines of one device, each made once, with a cache on disk.
#pragma once
#include <map>
#include <memory>

#include "compiler.hpp"
#include "device.hpp"

namespace lamina::vulkan {

struct Pipeline {
  const Code* code = nullptr;
  DeviceOwned<VkDescriptorSetLayout, vkDestroyDescriptorSetLayout> bindings;
  DeviceOwned<VkPipelineLayout, vkDestroyPipelineLayout> layout;
  DeviceOwned<VkPipeline, vkDestroyPipeline> handle;
};

class Pipelines {
 public:
  explicit Pipelines(const GpuDevice& device);
  ~Pipelines();

  /// The pipeline of a dispatch's shader, constants, and numbers of bindings and push constants.
  const Pipeline& get(const Dispatch& dispatch);
  size_t count() const { return made_.size(); }
  /// Writes the driver's cache to disk if there is something new in it.
  void save();

 private:
  const GpuDevice& device_;
  DeviceOwned<VkPipelineCache, vkDestroyPipelineCache> cache_;
  size_t saved_ = 0;  ///< pipelines that the file knows
  struct Key {
    const Code* code;
    size_t bindings, push;
    std::vector<uint32_t> constants;
    auto operator<=>(const Key&) const = default;
  };
  std::map<Key, std::unique_ptr<Pipeline>> made_;
};

}  // namespace lamina::vulkan
