#include "tuner.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>

#include <lamina/plugin.hpp>

#include "cache.hpp"

namespace lamina::vulkan {

namespace {

constexpr uint32_t rounds = 5;  ///< timed one by one after a first that is not; the fastest counts

struct Record {
  uint64_t key, choice;
};

uint64_t key_of(const std::vector<Dispatch>& alternatives) {
  std::string text;
  const auto add = [&](const auto* data, size_t count) { text.append(reinterpret_cast<const char*>(data), count * sizeof *data); };
  for (const Dispatch& d : alternatives) {
    const uint64_t hash = hash_of(text_of(d.shader));
    add(&hash, 1), add(d.constants.data(), d.constants.size()), add(d.push.data(), d.push.size()), add(d.groups.data(), 3);
  }
  return hash_of(text);
}

std::string file_of(const GpuDevice& device) { return "tuning-" + device.identity; }

}  // namespace

Tuner::Tuner(const GpuDevice& device, Pipelines& pipelines, Queue& queue, Tuning mode)
    : device_(device), pipelines_(pipelines), queue_(queue), mode_(mode) {
  if (mode == Tuning::off) return;
  const std::string data = read_cached(file_of(device), device.driver).value_or("");
  for (size_t at = 0; at + sizeof(Record) <= data.size(); at += sizeof(Record)) {
    Record r;
    std::memcpy(&r, data.data() + at, sizeof r);
    known_[r.key] = r.choice;
  }
}

Tuner::~Tuner() {
  if (!changed_) return;
  std::string data;
  for (const auto& [key, choice] : known_) {
    const Record r{key, choice};
    data.append(reinterpret_cast<const char*>(&r), sizeof r);
  }
  write_cached(file_of(device_), device_.driver, data);
}

const Dispatch& Tuner::fastest(const std::vector<Dispatch>& alternatives,
                               const std::function<std::vector<Span>(const Dispatch&)>& spans_of) {
  if (alternatives.size() == 1 || mode_ == Tuning::off || !device_.timestamp_bits) return alternatives[0];
  const uint64_t key = key_of(alternatives);
  if (const auto found = known_.find(key); found != known_.end() && found->second < alternatives.size()) return alternatives[found->second];
  if (mode_ != Tuning::tune || left_ <= 0) return alternatives[0];
  const auto begin = std::chrono::steady_clock::now();
  double best = std::numeric_limits<double>::infinity();
  uint32_t choice = 0;
  for (uint32_t i = 0; i < alternatives.size(); ++i) {
    const double time = seconds(alternatives[i], spans_of(alternatives[i]));
    if (time < best) best = time, choice = i;
  }
  left_ -= std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  known_[key] = choice, changed_ = true;
  return alternatives[choice];
}

double Tuner::seconds(const Dispatch& dispatch, const std::vector<Span>& spans) {
  CommandMaker maker(device_, pipelines_);
  const std::vector<Command> commands(rounds + 1, maker.dispatch(dispatch, spans));
  const uint32_t count = uint32_t(commands.size() * 2);
  const VkQueryPoolCreateInfo info{VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, nullptr, 0, VK_QUERY_TYPE_TIMESTAMP, count, 0};
  VkQueryPool pool{};
  check(vkCreateQueryPool(device_.handle, &info, nullptr, &pool), "making room for timestamps");
  const DeviceOwned<VkQueryPool, vkDestroyQueryPool> owned(device_.handle, pool);
  queue_.run_now(commands, pool);
  std::vector<uint64_t> ticks(count);
  check(
      vkGetQueryPoolResults(device_.handle, pool, 0, count, count * 8, ticks.data(), 8, VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT),
      "reading timestamps");
  double least = std::numeric_limits<double>::infinity();
  for (uint32_t i = 1; i <= rounds; ++i) least = std::min(least, device_.seconds(ticks[2 * i], ticks[2 * i + 1]));
  return least;
}

}  // namespace lamina::vulkan
