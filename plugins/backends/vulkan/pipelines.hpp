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

  /// The pipeline of a dispatch's shader, constants, and numbers of bindings and push constants. Any thread.
  const Pipeline& get(const Dispatch& dispatch);
  /// Writes the driver's cache to disk if there is something new in it. Any thread.
  void save();

 private:
  std::unique_ptr<Pipeline> make(const Dispatch& dispatch, const Code& code);
  std::mutex mutex_;
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

/// An open device and the pipelines made on it.
struct OpenDevice {
  GpuDevice device;
  Pipelines pipelines;

  /// Device `number` of an instance: opened once, shared by all sessions, for good. Pipelines are dear and devices slow to open.
  static OpenDevice& get(Instance& instance, size_t number);

 private:
  OpenDevice(Instance& instance, VkPhysicalDevice physical) : device(instance, physical), pipelines(device) {}
};

}  // namespace lamina::vulkan
