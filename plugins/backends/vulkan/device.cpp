#include "device.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <thread>

namespace lamina::vulkan {

namespace {

constexpr const char* validation_layer = "VK_LAYER_KHRONOS_validation";
constexpr uint32_t wanted_version = VK_API_VERSION_1_2;

std::string version_text(uint32_t v) {
  return describe(VK_API_VERSION_MAJOR(v), ".", VK_API_VERSION_MINOR(v), ".", VK_API_VERSION_PATCH(v));
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  return text;
}

const char* type_of(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return "discrete";
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return "integrated";
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return "virtual";
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return "cpu";
    default:
      return "other";
  }
}

/// Everything that is asked of a physical device.
struct Facts {
  VkPhysicalDeviceProperties properties{};
  VkPhysicalDeviceSubgroupProperties subgroup{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES, nullptr, 0, 0, 0, 0};
  VkPhysicalDeviceDriverProperties driver{};
  VkPhysicalDeviceIDProperties id{};
  VkPhysicalDeviceMaintenance3Properties maintenance{};
  VkPhysicalDeviceVulkan12Features features{};
  VkPhysicalDeviceMemoryProperties memory{};
  uint32_t family = UINT32_MAX, timestamp_bits = 0;

  explicit Facts(VkPhysicalDevice device) {
    vkGetPhysicalDeviceProperties(device, &properties);
    vkGetPhysicalDeviceMemoryProperties(device, &memory);
    if (properties.apiVersion < wanted_version) return;  // the rest may not be asked
    driver.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES;
    id.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES, id.pNext = &driver;
    maintenance.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES, maintenance.pNext = &id;
    subgroup.pNext = &maintenance;
    VkPhysicalDeviceProperties2 all{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &subgroup, {}};
    vkGetPhysicalDeviceProperties2(device, &all);
    features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
    VkPhysicalDeviceFeatures2 all_features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &features, {}};
    vkGetPhysicalDeviceFeatures2(device, &all_features);
    uint32_t count = 0;
    vkGetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(count);
    vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
    // A queue for compute alone leaves graphics undisturbed.
    for (const bool alone : {true, false})
      for (uint32_t f = 0; f < count && family == UINT32_MAX; ++f) {
        const VkQueueFlags flags = families[f].queueFlags;
        if ((flags & VK_QUEUE_COMPUTE_BIT) && !(alone && (flags & VK_QUEUE_GRAPHICS_BIT)))
          family = f, timestamp_bits = families[f].timestampValidBits;
      }
  }
  /// Why it cannot be used; "" when it can.
  std::string obstacle() const {
    if (properties.apiVersion < wanted_version) return "it offers Vulkan " + version_text(properties.apiVersion) + "; 1.2 is the least";
    if (family == UINT32_MAX) return "it has no queue for compute";
    return "";
  }
  std::string driver_text() const {
    return properties.apiVersion < wanted_version ? version_text(properties.driverVersion)
                                                  : std::string(driver.driverName) + ", " + driver.driverInfo;
  }
  uint64_t local_memory() const {
    uint64_t most = 0;
    for (uint32_t h = 0; h < memory.memoryHeapCount; ++h)
      if (memory.memoryHeaps[h].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) most = std::max<uint64_t>(most, memory.memoryHeaps[h].size);
    return most;
  }
  std::string details() const {
    const VkPhysicalDeviceLimits& l = properties.limits;
    std::string text = describe("Vulkan ", version_text(properties.apiVersion), ", type ", type_of(properties.deviceType), "\n");
    if (properties.apiVersion < wanted_version) return text;
    text += describe("workgroup: ", l.maxComputeWorkGroupInvocations, " invocations, ", l.maxComputeSharedMemorySize,
                     " bytes shared; subgroup: ", subgroup.subgroupSize, "\n");
    text += describe("storage buffers: ", l.maxPerStageDescriptorStorageBuffers, " per shader, ", l.maxStorageBufferRange,
                     " bytes per binding, offsets aligned to ", l.minStorageBufferOffsetAlignment, "\n");
    text += describe("allocation: ", maintenance.maxMemoryAllocationSize, " bytes at most; push constants: ", l.maxPushConstantsSize,
                     " bytes\n");
    text += "features:";
    const std::pair<const char*, VkBool32> list[] = {{"float16", features.shaderFloat16},
                                                     {"int8", features.shaderInt8},
                                                     {"8-bit storage", features.storageBuffer8BitAccess},
                                                     {"buffer addresses", features.bufferDeviceAddress},
                                                     {"memory model", features.vulkanMemoryModel},
                                                     {"timestamps", timestamp_bits != 0}};
    for (const auto& [name, there] : list) text += describe(" ", name, there ? " yes," : " no,");
    text.back() = '\n';
    return text;
  }
};

}  // namespace

Validation validation_named(const std::string& name) {
  if (name == "sync") return Validation::sync;
  if (name == "gpu") return Validation::gpu;
  if (name == "off" || name.empty()) return Validation::off;
  throw Error("there is no validation \"" + name + "\"; wanted off, sync or gpu");
}

Instance& Instance::get(Validation validation) {
  static std::mutex mutex;
  static auto* made = new std::map<Validation, std::unique_ptr<Instance>>;  // for good: drivers do not like to be unloaded
  std::lock_guard lock(mutex);
  auto& instance = (*made)[validation];
  if (!instance) instance.reset(new Instance(validation));
  return *instance;
}

Instance::Instance(Validation v) : validation(v) {
  if (volkInitialize() != VK_SUCCESS)
    throw Error("there is no Vulkan loader (libvulkan.so.1); Debian has it as libvulkan1, and drivers as mesa-vulkan-drivers");
  if (volkGetInstanceVersion() < wanted_version)
    throw Error("the Vulkan loader is of version " + version_text(volkGetInstanceVersion()) + "; 1.2 is the least");
  const VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO, nullptr, "lamina", 1, "lamina", 1, wanted_version};
  const VkDebugUtilsMessengerCreateInfoEXT listen{
      VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
      nullptr,
      0,
      VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
      VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
      receive,
      this};
  const VkValidationFeatureEnableEXT extra =
      v == Validation::gpu ? VK_VALIDATION_FEATURE_ENABLE_GPU_ASSISTED_EXT : VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT;
  const VkValidationFeaturesEXT features{VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT, &listen, 1, &extra, 0, nullptr};
  const char* extension = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
  VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, nullptr, 0, &application, 0, nullptr, 0, nullptr};
  if (v != Validation::off)
    info.pNext = &features, info.enabledLayerCount = 1, info.ppEnabledLayerNames = &validation_layer, info.enabledExtensionCount = 1,
    info.ppEnabledExtensionNames = &extension;
  const VkResult made = vkCreateInstance(&info, nullptr, &handle_);
  if (made == VK_ERROR_LAYER_NOT_PRESENT)
    throw Error(
        "validation is wanted, but the layer VK_LAYER_KHRONOS_validation is not installed; Debian has it as vulkan-validationlayers");
  if (made == VK_ERROR_INCOMPATIBLE_DRIVER)
    throw Error("the Vulkan loader finds no driver; Debian has some, one for CPUs among them, in mesa-vulkan-drivers");
  check(made, "opening Vulkan");
  volkLoadInstance(handle_);
  if (v != Validation::off)
    check(vkCreateDebugUtilsMessengerEXT(handle_, &listen, nullptr, &messenger_), "listening to the validation layers");
  uint32_t count = 0;
  check(vkEnumeratePhysicalDevices(handle_, &count, nullptr), "listing devices");
  devices_.resize(count);
  check(vkEnumeratePhysicalDevices(handle_, &count, devices_.data()), "listing devices");
  devices_.resize(count);
}

VkBool32 Instance::receive(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                           const VkDebugUtilsMessengerCallbackDataEXT* data, void* self) {
  auto& instance = *static_cast<Instance*>(self);
  std::lock_guard lock(instance.mutex_);
  if (instance.messages_.size() < 20) instance.messages_.push_back(data->pMessage ? data->pMessage : "a message without text");
  return VK_FALSE;
}

void Instance::check_messages() {
  std::lock_guard lock(mutex_);
  if (messages_.empty()) return;
  std::string all = describe("the validation layers have ", messages_.size(), " complaints:");
  for (const std::string& m : messages_) all += "\n  " + m;
  messages_.clear();
  throw Error(all);
}

std::vector<lamina::Device> list_devices() {
  std::vector<lamina::Device> list;
  try {
    for (const VkPhysicalDevice physical : Instance::get().devices()) {
      const Facts f(physical);
      lamina::Device d;
      d.name = f.properties.deviceName, d.type = type_of(f.properties.deviceType), d.driver = f.driver_text();
      d.memory = f.local_memory(), d.why = f.obstacle(), d.available = d.why.empty(), d.details = f.details();
      list.push_back(std::move(d));
    }
    if (list.empty()) throw Error("the Vulkan drivers that are installed find no device");
  } catch (const Error& e) {
    lamina::Device none;
    none.name = "none", none.available = false, none.why = e.what();
    list.push_back(std::move(none));
  }
  return list;
}

size_t choose_device(const Instance& instance, const std::string& wanted) {
  std::vector<Facts> all;
  for (const VkPhysicalDevice physical : instance.devices()) all.emplace_back(physical);
  std::string listed;
  for (size_t i = 0; i < all.size(); ++i)
    listed += describe(i ? "; " : "", i, ": ", all[i].properties.deviceName, " (", type_of(all[i].properties.deviceType), ")");
  if (all.empty()) throw Error("the Vulkan drivers that are installed find no device");
  const auto usable = [&](size_t i) {
    const std::string why = all[i].obstacle();
    if (!why.empty()) throw Error(describe("the device ", i, ", ", all[i].properties.deviceName, ", cannot be used: ", why));
    return i;
  };
  std::string text = lower(wanted);
  if (text.starts_with("vulkan:")) text = text.substr(7);
  if (!text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    const size_t number = text.size() > 4 ? all.size() : size_t(std::stoul(text));
    if (number >= all.size()) throw Error(describe("there is no device ", wanted, "; the devices are ", listed));
    return usable(number);
  }
  constexpr std::array order = {VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU,
                                VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU, VK_PHYSICAL_DEVICE_TYPE_OTHER, VK_PHYSICAL_DEVICE_TYPE_CPU};
  for (const VkPhysicalDeviceType type : order)
    for (size_t i = 0; i < all.size(); ++i) {
      if (all[i].properties.deviceType != type) continue;
      const bool meant = text.empty() || text == type_of(type) || (text == "gpu" && type != VK_PHYSICAL_DEVICE_TYPE_CPU) ||
                         lower(all[i].properties.deviceName).find(text) != std::string::npos ||
                         lower(all[i].driver_text()).find(text) != std::string::npos;
      if (meant && (!text.empty() || all[i].obstacle().empty())) return usable(i);
    }
  throw Error(text.empty() ? "no device offers what is needed: " + listed : "no device is \"" + wanted + "\"; the devices are " + listed);
}

GpuDevice::GpuDevice(Instance& from, VkPhysicalDevice chosen) : instance(from), physical(chosen) {
  const Facts f(chosen);
  properties = f.properties, memory = f.memory, family = f.family, driver = f.driver_text();
  const VkPhysicalDeviceLimits& l = properties.limits;
  largest_allocation = f.maintenance.maxMemoryAllocationSize;
  timestamp_bits = f.timestamp_bits;
  static const char digits[] = "0123456789abcdef";
  for (const uint8_t byte : f.id.deviceUUID) identity += digits[byte >> 4], identity += digits[byte & 15];
  for (int shift = 28; shift >= 0; shift -= 4) identity += digits[properties.driverVersion >> shift & 15];

  limits.lanes = properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  const bool shuffles =
      (f.subgroup.supportedOperations & VK_SUBGROUP_FEATURE_SHUFFLE_BIT) && (f.subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT);
  limits.subgroup = shuffles ? std::max(1u, f.subgroup.subgroupSize) : 1;
  limits.invocations = std::min(l.maxComputeWorkGroupInvocations, l.maxComputeWorkGroupSize[0]);
  limits.shared_bytes = l.maxComputeSharedMemorySize;
  limits.bindings = std::min({l.maxPerStageDescriptorStorageBuffers, l.maxDescriptorSetStorageBuffers, 64u});  // bits of Code::writes
  limits.range = l.maxStorageBufferRange;
  limits.groups = std::min({l.maxComputeWorkGroupCount[0], l.maxComputeWorkGroupCount[1], l.maxComputeWorkGroupCount[2]});
  limits.alignment = std::max<uint64_t>(64, l.minStorageBufferOffsetAlignment);
  // Vulkan does not tell how many processors a device has: a large GPU is assumed, a CPU's threads are counted.
  limits.processors = limits.lanes                                                    ? std::max(1u, std::thread::hardware_concurrency())
                      : properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU ? 96
                                                                                      : 16;

  const float priority = 1;
  const VkDeviceQueueCreateInfo queues{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, nullptr, 0, family, 1, &priority};
  VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, nullptr, 0, 1, &queues, 0, nullptr, 0, nullptr, nullptr};
  check(vkCreateDevice(physical, &info, nullptr, &handle), "opening the device");
  vkGetDeviceQueue(handle, family, 0, &queue);
}

GpuDevice::~GpuDevice() {
  if (!handle) return;
  vkDeviceWaitIdle(handle);
  vkDestroyDevice(handle, nullptr);
}

double GpuDevice::seconds(uint64_t from, uint64_t to) const {
  return double((to - from) & (UINT64_MAX >> (64 - timestamp_bits))) * double(properties.limits.timestampPeriod) * 1e-9;
}

Buffer::Buffer(const GpuDevice& device, uint64_t bytes, Kind kind, const char* what) : bytes_(std::max<uint64_t>(round_up(bytes, 4), 64)) {
  const std::string wanted = describe(bytes_, " bytes for ", what, " on ", device.properties.deviceName);
  const VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                nullptr,
                                0,
                                bytes_,
                                VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                                VK_SHARING_MODE_EXCLUSIVE,
                                0,
                                nullptr};
  VkBuffer buffer{};
  check(vkCreateBuffer(device.handle, &info, nullptr, &buffer), wanted.c_str());
  buffer_ = {device.handle, buffer};
  VkMemoryRequirements needs;
  vkGetBufferMemoryRequirements(device.handle, buffer, &needs);

  constexpr VkMemoryPropertyFlags local = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT,
                                  host = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
                                  cached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
  const std::array<VkMemoryPropertyFlags, 2> wishes = kind == Kind::device   ? std::array{local, VkMemoryPropertyFlags(0)}
                                                      : kind == Kind::upload ? std::array{host, host}
                                                                             : std::array{host | cached, host};
  VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
  for (const VkMemoryPropertyFlags wish : wishes)
    for (uint32_t t = 0; t < device.memory.memoryTypeCount && !memory_; ++t) {
      const VkMemoryType& type = device.memory.memoryTypes[t];
      if (!(needs.memoryTypeBits >> t & 1) || (type.propertyFlags & wish) != wish) continue;
      if (needs.size > device.memory.memoryHeaps[type.heapIndex].size) continue;
      const VkMemoryAllocateInfo allocation{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, nullptr, needs.size, t};
      VkDeviceMemory made{};
      result = vkAllocateMemory(device.handle, &allocation, nullptr, &made);
      if (result == VK_SUCCESS) memory_ = {device.handle, made};
    }
  if (!memory_ && bytes_ > device.largest_allocation)  // more than is promised, though many drivers give it
    throw Error(
        describe("this device promises ", device.largest_allocation, " bytes at once, not the ", wanted, "; a smaller batch_size helps"));
  check(result, wanted.c_str());
  check(vkBindBufferMemory(device.handle, buffer_, memory_, 0), "binding memory");
  void* mapped = nullptr;
  if (kind != Kind::device) check(vkMapMemory(device.handle, memory_, 0, VK_WHOLE_SIZE, 0, &mapped), "mapping memory");
  data_ = static_cast<char*>(mapped);
}

}  // namespace lamina::vulkan
