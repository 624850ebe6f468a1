/// Vulkan devices: what there is, and one of them opened for compute.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <lamina/program.hpp>

#include "api.hpp"
#include "lowering.hpp"

namespace lamina::vulkan {

/// What the validation layers watch for. Any message of theirs is an Error of the session.
enum class Validation { off, sync, gpu };
/// From "off" or "", "sync" (core and synchronization) or "gpu" (core and GPU-assisted). Error for others.
Validation validation_named(const std::string& name);

/// The loader and its drivers; one per kind of validation, for good.
class Instance {
 public:
  /// Throws Error where there is no loader, no driver, or no validation layer although it is wanted.
  static Instance& get(Validation validation = Validation::off);

  const std::vector<VkPhysicalDevice>& devices() const { return devices_; }
  const Validation validation;
  /// What the validation layers have said since the last call: throws it.
  void check_messages();

 private:
  explicit Instance(Validation validation);
  static VKAPI_ATTR VkBool32 VKAPI_CALL receive(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                                                const VkDebugUtilsMessengerCallbackDataEXT*, void* self);
  VkInstance handle_{};
  VkDebugUtilsMessengerEXT messenger_{};
  std::vector<VkPhysicalDevice> devices_;
  std::mutex mutex_;
  std::vector<std::string> messages_;
};

/// Every device in the loader's order; unavailable ones with the reason. One entry that says why where there is none at all.
std::vector<lamina::Device> list_devices();

/// The number of the device that `wanted` names: its number ("1", "vulkan:1"), part of its name ("nvidia"), or a type ("discrete",
/// "integrated", "gpu", "cpu"). Nothing: the first discrete, else integrated, else virtual one, else a CPU. Error names what there is.
size_t choose_device(const Instance& instance, const std::string& wanted);

/// An open device with one queue.
class GpuDevice {
 public:
  GpuDevice(Instance& instance, VkPhysicalDevice physical);
  ~GpuDevice();
  GpuDevice(const GpuDevice&) = delete;
  GpuDevice& operator=(const GpuDevice&) = delete;

  Instance& instance;
  const VkPhysicalDevice physical;
  VkDevice handle{};
  VkQueue queue{};
  uint32_t family = 0;
  VkPhysicalDeviceProperties properties{};
  VkPhysicalDeviceMemoryProperties memory{};
  std::string driver;    ///< "llvmpipe, Mesa 22.3.6 (LLVM 15.0.6)"
  std::string identity;  ///< hexadecimal, of device and driver version: names cache files
  uint64_t largest_allocation = 0;
  uint32_t timestamp_bits = 0;                       ///< 0: no timestamps
  double seconds(uint64_t from, uint64_t to) const;  ///< between two timestamps
  Limits limits;
  mutable std::mutex submitting;  ///< the queue takes one caller at a time
};

/// Memory on the device, bound to one buffer.
class Buffer {
 public:
  enum class Kind {
    device,   ///< fast for the device; filled and read by copies
    upload,   ///< written by the host, coherent
    readback  ///< read by the host, coherent, cached where there is such memory
  };
  Buffer() = default;
  /// Not initialised. Error when there is no memory for it; `what` says what it is for: "the state".
  Buffer(const GpuDevice& device, uint64_t bytes, Kind kind, const char* what);

  VkBuffer handle() const { return buffer_; }
  uint64_t bytes() const { return bytes_; }
  char* data() const { return data_; }  ///< of upload and readback

 private:
  DeviceOwned<VkDeviceMemory, vkFreeMemory> memory_;
  DeviceOwned<VkBuffer, vkDestroyBuffer> buffer_;
  uint64_t bytes_ = 0;
  char* data_ = nullptr;
};

}  // namespace lamina::vulkan
