/// Commands bound to memory, recorded into command buffers with the barriers they need, and submitted.
#pragma once
#include <deque>
#include <functional>
#include <optional>

#include "hazards.hpp"
#include "pipelines.hpp"

namespace lamina::vulkan {

/// Part of a buffer.
struct Span {
  VkBuffer buffer;
  uint64_t offset, bytes;
};

/// One command: a dispatch, or a copy, or a fill.
struct Command {
  uint32_t op = 0;                     ///< number of the op it belongs to
  const Pipeline* pipeline = nullptr;  ///< null: `from` is copied to `to`, or `to` is filled with `word`
  VkDescriptorSet set{};
  std::vector<uint32_t> push;
  std::array<uint32_t, 3> groups{};
  std::optional<Span> from;
  Span to{};
  uint32_t word = 0;
  Accesses accesses;
};

/// Makes commands; their descriptor sets live as long as this.
class CommandMaker {
 public:
  CommandMaker(const GpuDevice& device, Pipelines& pipelines) : device_(device), pipelines_(pipelines) {}
  Command dispatch(const Dispatch& dispatch, const std::vector<Span>& bindings);
  static Command copy(Span from, Span to);
  static Command fill(Span to, uint32_t word = 0);

 private:
  VkDescriptorSet set_of(const Pipeline& pipeline, const std::vector<Span>& bindings);
  const GpuDevice& device_;
  Pipelines& pipelines_;
  std::vector<DeviceOwned<VkDescriptorPool, vkDestroyDescriptorPool>> pools_;
};

/// Command buffers and their submission, in order, on the device's queue.
class Queue {
 public:
  explicit Queue(const GpuDevice& device);
  ~Queue();

  VkCommandBuffer make_buffer();
  void free_buffer(VkCommandBuffer buffer);
  /// Records commands behind everything that was submitted before. Returns the number of barriers. A validating device refuses a record
  /// whose barriers cannot be proved to suffice.
  size_t record(VkCommandBuffer into, const std::vector<Command>& commands, VkQueryPool timestamps = {});

  /// Adds buffers that run behind all that was added before; may wait for others to be submitted together. Returns a ticket to wait for.
  uint64_t add(const std::vector<VkCommandBuffer>& buffers);
  void flush();  ///< submits what was added
  void wait(uint64_t ticket);
  void wait_all() { wait(added_); }
  bool idle() const;
  /// Records, submits and waits.
  void run_now(const std::vector<Command>& commands, VkQueryPool timestamps = {});

 private:
  const GpuDevice& device_;
  DeviceOwned<VkCommandPool, vkDestroyCommandPool> pool_;
  std::vector<VkCommandBuffer> waiting_;
  uint64_t added_ = 0, submitted_ = 0, done_ = 0;  ///< tickets
  /// Submissions under way, oldest first. Fences, because the validation layers of 2023 take waits for timeline semaphores for endless.
  struct Submission {
    DeviceOwned<VkFence, vkDestroyFence> done;
    uint64_t ticket;  ///< the last that it holds
  };
  std::deque<Submission> under_way_;
  std::vector<DeviceOwned<VkFence, vkDestroyFence>> spare_;
};

}  // namespace lamina::vulkan
