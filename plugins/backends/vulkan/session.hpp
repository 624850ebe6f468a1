/// The Vulkan backend's session: the device, the arena that all programs share, the state, kept data sets.
#pragma once
#include <map>
#include <memory>

#include "tuner.hpp"

namespace lamina::vulkan {

class Executable;

struct Settings {
  std::string device;
  Validation validation = Validation::off;
  std::optional<bool> lanes;  ///< which kernels; nothing: by the device
  bool keep_data = true;      ///< data sets on the device where they fit
  Tuning tuning = Tuning::tune;
  DType storage = DType::float32;  ///< of activations
  bool report_faults = false;      ///< of plugins' kernels
};

class Session {
 public:
  explicit Session(const Settings& settings);
  ~Session();

  bool claims(const Op& op) const { return vulkan::claims(op); }
  void prepare(const Program& program, Planner& planner);
  void state_create(const std::vector<StateEntry>& entries);
  void state_read(uint32_t entry, void* row_major);
  void state_write(uint32_t entry, const void* row_major);
  std::unique_ptr<Executable> compile(Program program);
  std::string describe() const;
  void keep(const void* base, uint64_t bytes);

  // For executables:
  OpenDevice& open;
  const GpuDevice& device = open.device;
  Pipelines& pipelines = open.pipelines;
  Limits limits = device.limits;
  Queue queue;
  Tuner tuner;
  Buffer arena, state;
  uint64_t version = 1;  ///< grows when the arena moves
  std::vector<uint64_t> state_offsets;
  Span span_of(const Value& v) const;  ///< of a temporary, input or state
  /// Copies between the host and the device, done when they return: all of the span, in whole words.
  void upload(const void* from, Span to);
  void download(Span from, void* to);
  struct Kept {
    Buffer data;
    uint64_t bytes = 0;
  };
  std::map<const void*, Kept> kept;

 private:
  const StateEntry& entry(uint32_t number) const;
  void transfer(Buffer& staging, Buffer::Kind kind, Span there, char* to_host, const char* from_host);
  const bool keep_data_;
  std::vector<StateEntry> entries_;
  Buffer upload_, readback_;
};

/// Copies from a layout to row-major order on the host. `bytes` per element.
void from_layout(uint64_t token, int64_t count, size_t bytes, const char* from, char* row_major);

}  // namespace lamina::vulkan
