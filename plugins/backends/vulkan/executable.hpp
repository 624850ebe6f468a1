/// A compiled program: its commands recorded once and replayed, several runs under way at a time.
#pragma once
#include <array>

#include "session.hpp"

namespace lamina::vulkan {

class Executable {
 public:
  Executable(Session& session, Program program, Lowering::Sink sink);
  ~Executable();
  void run(const Run& run);
  void wait();
  std::vector<OpTime> profile(bool enable);
  std::string explain();

 private:
  /// What one run has for itself, so that the host fills the next while the device works: the step table and batches on their way up,
  /// outputs on their way down.
  struct Slot {
    Buffer up, down;
    VkCommandBuffer before{}, after{};
    std::unique_ptr<CommandMaker> maker;  ///< of `before`
    std::vector<const void*> kept;        ///< per input: the kept data set that `before` gathers it from, or null
    uint64_t ticket = 0;
    void* outputs = nullptr;  ///< where the outputs of the run under way belong
    std::vector<double> scalars;
  };
  struct Input {
    const Value* value;
    uint64_t offset;  ///< in Slot::up
  };
  struct Output {
    const Value* value;
    uint64_t to;      ///< in the run's outputs
    uint64_t offset;  ///< in Slot::down
  };
  static constexpr size_t slot_count = 4;

  uint64_t step_bytes() const { return (first_stream_word + 4 * sink_.streams.size()) * 4; }  ///< of the step table
  void bind();
  std::vector<Span> spans_of(const Dispatch& d) const;
  Command command_of(CommandMaker& maker, const Lowering::Sink::Step& step);
  void make_slot(Slot& slot);
  void record_before(Slot& slot, const std::vector<const void*>& kept);
  void fill(Slot& slot, const Run& run);
  void deliver(Slot& slot);
  void finish(Slot& slot);
  void check_kernels(const Slot& slot) const;
  void read_times();

  Session& session_;
  Program program_;
  Lowering::Sink sink_;
  uint64_t table_offset_ = 0;  ///< of the constant words behind the step table, bytes
  Buffer words_;               ///< step table and constant words
  std::vector<Input> inputs_;
  std::vector<Output> outputs_;
  Buffer faults_;                                             ///< of kernels, where they are reported
  uint64_t up_bytes_ = 0, down_bytes_ = 0, faults_down_ = 0;  ///< faults_down_: in Slot::down

  uint64_t bound_ = 0;  ///< version of the session's memory that is recorded
  std::unique_ptr<CommandMaker> maker_;
  std::vector<Command> commands_;
  size_t barriers_ = 0;
  VkCommandBuffer body_{}, timed_body_{};
  DeviceOwned<VkQueryPool, vkDestroyQueryPool> queries_;
  std::array<Slot, slot_count> slots_;
  size_t next_ = 0;
  bool timed_ = false;
  std::vector<double> seconds_;
};

}  // namespace lamina::vulkan
