/// The Vulkan API, loaded at run time, and its errors as sentences.
#pragma once
#include <volk.h>

#include <string>
#include <utility>

#include <lamina/dtype.hpp>

namespace lamina::vulkan {

std::string name_of(VkResult result);  ///< "VK_ERROR_DEVICE_LOST"

/// Throws Error with what was being done ("waiting for a step") where the result is a failure.
void check(VkResult result, const char* doing);

/// Owns a Vulkan handle: destroyed by `Destroy(parent, handle, nullptr)`.
template <class Handle, class Parent, auto& Destroy>
class Owned {
 public:
  Owned() = default;
  Owned(Parent parent, Handle handle) : parent_(parent), handle_(handle) {}
  Owned(Owned&& o) noexcept : parent_(o.parent_), handle_(std::exchange(o.handle_, Handle{})) {}
  Owned& operator=(Owned&& o) noexcept {
    std::swap(parent_, o.parent_), std::swap(handle_, o.handle_);
    return *this;
  }
  ~Owned() {
    if (handle_) Destroy(parent_, handle_, nullptr);
  }
  operator Handle() const { return handle_; }

 private:
  Parent parent_{};
  Handle handle_{};
};
template <class Handle, auto& Destroy>
using DeviceOwned = Owned<Handle, VkDevice, Destroy>;

}  // namespace lamina::vulkan
