/// Chooses among kernels that give the same bits by timing them on the device. What was found is kept on disk, by device and driver.
#pragma once
#include <functional>
#include <map>

#include "commands.hpp"

namespace lamina::vulkan {

enum class Tuning { off, read, tune };

class Tuner {
 public:
  Tuner(const GpuDevice& device, Pipelines& pipelines, Queue& queue, Tuning mode);
  ~Tuner();

  /// The fastest of `alternatives` on their memory, which is overwritten; the first where nothing is to be chosen, known or timed.
  const Dispatch& fastest(const std::vector<Dispatch>& alternatives, const std::function<std::vector<Span>(const Dispatch&)>& spans_of);

 private:
  double seconds(const Dispatch& dispatch, const std::vector<Span>& spans);
  const GpuDevice& device_;
  Pipelines& pipelines_;
  Queue& queue_;
  const Tuning mode_;
  double left_ = 10;                    ///< seconds that may still be spent on timing
  std::map<uint64_t, uint64_t> known_;  ///< hash of the alternatives → the number of the best
  bool changed_ = false;                ///< since it was read
};

}  // namespace lamina::vulkan
