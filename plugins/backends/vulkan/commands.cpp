#include "commands.hpp"

#include <lamina/plugin.hpp>

namespace lamina::vulkan {

namespace {

constexpr uint32_t sets_per_pool = 256, buffers_per_set = 8;
constexpr size_t most_together = 4 * 3;  ///< command buffers of one submission: four steps

/// Before commands that touch what earlier ones touch.
void barrier(VkCommandBuffer buffer) {
  const VkAccessFlags reads = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT,
                      writes = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  const VkMemoryBarrier all{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, writes, reads | writes};
  const VkPipelineStageFlags stages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
  vkCmdPipelineBarrier(buffer, stages, stages, 0, 1, &all, 0, nullptr, 0, nullptr);
}
/// Behind copies that the host may read: waiting for a fence alone does not show them to it.
void show_host(VkCommandBuffer buffer) {
  const VkMemoryBarrier copies{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_TRANSFER_WRITE_BIT, VK_ACCESS_HOST_READ_BIT};
  vkCmdPipelineBarrier(buffer, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &copies, 0, nullptr, 0, nullptr);
}

}  // namespace

VkDescriptorSet CommandMaker::set_of(const Pipeline& pipeline, const std::vector<Span>& bindings) {
  const VkDescriptorSetLayout layout = pipeline.bindings;
  VkDescriptorSet set{};
  for (const bool fresh : {false, true}) {
    if (fresh) {
      const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                      std::max(sets_per_pool * buffers_per_set, uint32_t(bindings.size()))};
      const VkDescriptorPoolCreateInfo info{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, nullptr, 0, sets_per_pool, 1, &size};
      VkDescriptorPool pool{};
      check(vkCreateDescriptorPool(device_.handle, &info, nullptr, &pool), "making room for shaders' bindings");
      pools_.emplace_back(device_.handle, pool);
    }
    if (pools_.empty()) continue;
    const VkDescriptorSetAllocateInfo info{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO, nullptr, pools_.back(), 1, &layout};
    const VkResult result = vkAllocateDescriptorSets(device_.handle, &info, &set);
    if (result == VK_SUCCESS) break;
    if (fresh || (result != VK_ERROR_OUT_OF_POOL_MEMORY && result != VK_ERROR_FRAGMENTED_POOL)) check(result, "binding a shader's buffers");
  }
  std::vector<VkDescriptorBufferInfo> infos;
  for (const Span& s : bindings) infos.push_back({s.buffer, s.offset, s.bytes});
  std::vector<VkWriteDescriptorSet> writes;
  for (uint32_t b = 0; b < infos.size(); ++b)
    writes.push_back(
        {VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET, nullptr, set, b, 0, 1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, nullptr, &infos[b], nullptr});
  vkUpdateDescriptorSets(device_.handle, uint32_t(writes.size()), writes.data(), 0, nullptr);
  return set;
}

Command CommandMaker::dispatch(const Dispatch& d, const std::vector<Span>& bindings) {
  Command c;
  c.pipeline = &pipelines_.get(d), c.push = d.push, c.groups = d.groups;
  c.set = set_of(*c.pipeline, bindings);
  for (size_t b = 0; b < bindings.size(); ++b) {
    const Span& s = bindings[b];
    const uint64_t bit = uint64_t(1) << b;
    if (c.pipeline->code->bindings & bit)
      c.accesses.push_back({s.buffer, s.offset, s.offset + s.bytes, (c.pipeline->code->writes & bit) != 0});
  }
  return c;
}

Command CommandMaker::copy(Span from, Span to) {
  Command c;
  c.from = from, c.to = to;
  c.accesses = {{from.buffer, from.offset, from.offset + from.bytes, false}, {to.buffer, to.offset, to.offset + to.bytes, true}};
  return c;
}

Command CommandMaker::fill(Span to, uint32_t word) {
  Command c;
  c.to = to, c.word = word;
  c.accesses = {{to.buffer, to.offset, to.offset + to.bytes, true}};
  return c;
}

Queue::Queue(const GpuDevice& device) : device_(device) {
  const VkCommandPoolCreateInfo pools{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO, nullptr, VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                      device.family};
  VkCommandPool pool{};
  check(vkCreateCommandPool(device.handle, &pools, nullptr, &pool), "making room for commands");
  pool_ = {device.handle, pool};
}

Queue::~Queue() {
  try {
    wait_all();
  } catch (const std::exception&) {  // a lost device has nothing under way
  }
}

VkCommandBuffer Queue::make_buffer() {
  const VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, nullptr, pool_, VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                         1};
  VkCommandBuffer buffer{};
  check(vkAllocateCommandBuffers(device_.handle, &info, &buffer), "making room for commands");
  return buffer;
}
void Queue::free_buffer(VkCommandBuffer buffer) {
  if (buffer) vkFreeCommandBuffers(device_.handle, pool_, 1, &buffer);
}

size_t Queue::record(VkCommandBuffer into, const std::vector<Command>& commands, VkQueryPool timestamps) {
  std::vector<Accesses> accesses;
  for (const Command& c : commands) accesses.push_back(c.accesses);
  std::vector<bool> barriers = place_barriers(accesses);
  if (timestamps) barriers.assign(barriers.size(), true);  // so that times do not overlap
  if (!barriers.empty()) barriers[0] = true;               // behind what other buffers hold
  if (device_.instance.validation != Validation::off)
    if (const std::string why = unguarded_pair(accesses, barriers); !why.empty()) throw Error(why);

  const VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO, nullptr, VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT,
                                       nullptr};
  check(vkBeginCommandBuffer(into, &begin), "recording commands");
  if (timestamps) vkCmdResetQueryPool(into, timestamps, 0, uint32_t(commands.size() * 2));
  size_t count = 0;
  VkPipeline bound{};
  for (uint32_t i = 0; i < commands.size(); ++i) {
    const Command& c = commands[i];
    if (barriers[i]) barrier(into), ++count;
    if (timestamps) vkCmdWriteTimestamp(into, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, timestamps, 2 * i);
    if (c.pipeline) {
      if (bound != c.pipeline->handle) bound = c.pipeline->handle, vkCmdBindPipeline(into, VK_PIPELINE_BIND_POINT_COMPUTE, bound);
      vkCmdBindDescriptorSets(into, VK_PIPELINE_BIND_POINT_COMPUTE, c.pipeline->layout, 0, 1, &c.set, 0, nullptr);
      if (!c.push.empty())
        vkCmdPushConstants(into, c.pipeline->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, uint32_t(c.push.size() * 4), c.push.data());
      vkCmdDispatch(into, c.groups[0], c.groups[1], c.groups[2]);
    } else if (c.from) {
      const VkBufferCopy region{c.from->offset, c.to.offset, c.from->bytes};
      vkCmdCopyBuffer(into, c.from->buffer, c.to.buffer, 1, &region);
    } else {
      vkCmdFillBuffer(into, c.to.buffer, c.to.offset, c.to.bytes, c.word);
    }
    if (timestamps) vkCmdWriteTimestamp(into, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, timestamps, 2 * i + 1);
  }
  if (!commands.empty() && commands.back().from) show_host(into);
  check(vkEndCommandBuffer(into), "recording commands");
  return count;
}

uint64_t Queue::add(const std::vector<VkCommandBuffer>& buffers) {
  waiting_.insert(waiting_.end(), buffers.begin(), buffers.end());
  ++added_;
  // A busy device need not be told at once: steps that are added meanwhile go together.
  if (waiting_.size() >= most_together || idle()) flush();
  return added_;
}

bool Queue::idle() const {
  if (under_way_.empty()) return true;
  const VkResult result = vkGetFenceStatus(device_.handle, under_way_.back().done);
  if (result != VK_NOT_READY) check(result, "asking how far the device is");
  return result == VK_SUCCESS;
}

void Queue::flush() {
  if (waiting_.empty()) return;
  if (spare_.empty()) {
    const VkFenceCreateInfo fences{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, nullptr, 0};
    VkFence fence{};
    check(vkCreateFence(device_.handle, &fences, nullptr, &fence), "making a fence");
    spare_.emplace_back(device_.handle, fence);
  }
  const VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO, nullptr,         0, nullptr, nullptr,
                          uint32_t(waiting_.size()),     waiting_.data(), 0, nullptr};
  std::unique_lock lock(device_.submitting);
  const VkResult result = vkQueueSubmit(device_.queue, 1, &info, spare_.back());
  lock.unlock();
  waiting_.clear();
  check(result, "submitting steps");
  submitted_ = added_;
  under_way_.push_back({std::move(spare_.back()), submitted_});
  spare_.pop_back();
}

void Queue::wait(uint64_t ticket) {
  if (ticket > submitted_) flush();
  while (!under_way_.empty() && done_ < ticket) {
    Submission& first = under_way_.front();
    const VkFence fence = first.done;
    check(vkWaitForFences(device_.handle, 1, &fence, VK_TRUE, UINT64_MAX), "waiting for the device");
    check(vkResetFences(device_.handle, 1, &fence), "waiting for the device");
    done_ = first.ticket;
    spare_.push_back(std::move(first.done));
    under_way_.pop_front();
  }
  if (done_ < ticket) throw Error("the device did not take the steps that are waited for");
  device_.instance.check_messages();
}

void Queue::run_now(const std::vector<Command>& commands, VkQueryPool timestamps) {
  const VkCommandBuffer buffer = make_buffer();
  try {
    record(buffer, commands, timestamps);
    wait(add({buffer}));
  } catch (...) {
    free_buffer(buffer);  // not recorded whole, or the device is lost
    throw;
  }
  free_buffer(buffer);
}

}  // namespace lamina::vulkan
