#define VOLK_IMPLEMENTATION
#include "api.hpp"

#include <lamina/plugin.hpp>

namespace lamina::vulkan {

std::string name_of(VkResult result) {
  switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
      return "VK_ERROR_OUT_OF_HOST_MEMORY";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      return "VK_ERROR_OUT_OF_DEVICE_MEMORY";
    case VK_ERROR_INITIALIZATION_FAILED:
      return "VK_ERROR_INITIALIZATION_FAILED";
    case VK_ERROR_DEVICE_LOST:
      return "VK_ERROR_DEVICE_LOST";
    case VK_ERROR_LAYER_NOT_PRESENT:
      return "VK_ERROR_LAYER_NOT_PRESENT";
    case VK_ERROR_EXTENSION_NOT_PRESENT:
      return "VK_ERROR_EXTENSION_NOT_PRESENT";
    case VK_ERROR_FEATURE_NOT_PRESENT:
      return "VK_ERROR_FEATURE_NOT_PRESENT";
    case VK_ERROR_INCOMPATIBLE_DRIVER:
      return "VK_ERROR_INCOMPATIBLE_DRIVER";
    case VK_ERROR_TOO_MANY_OBJECTS:
      return "VK_ERROR_TOO_MANY_OBJECTS";
    case VK_TIMEOUT:
      return "VK_TIMEOUT";
    default:
      return describe("VkResult ", int(result));
  }
}

void check(VkResult result, const char* doing) {
  if (result >= 0 && result != VK_TIMEOUT) return;
  const std::string code = " (" + name_of(result) + ")";
  if (result == VK_ERROR_DEVICE_LOST)
    throw Error(std::string("the device was lost while ") + doing + code +
                ": the driver reset it, or it was taken away. What the last checkpoint holds is safe; `lamina resume` goes on from there");
  if (result == VK_ERROR_OUT_OF_DEVICE_MEMORY || result == VK_ERROR_OUT_OF_HOST_MEMORY)
    throw Error(std::string("there is not enough memory for ") + doing + code + "; a smaller batch_size helps");
  throw Error(std::string(doing) + " failed" + code);
}

}  // namespace lamina::vulkan
