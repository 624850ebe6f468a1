/// The CPU backend's session: one arena for all programs, the state, and the threads' workspaces; and what it compiles.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include <lamina/program.hpp>

#include "lowering.hpp"
#include "move.hpp"
#include "step.hpp"

namespace lamina::cpu {

std::string processor_name();  ///< "AMD EPYC"

/// Bytes from the system, zero-filled, aligned for huge pages when there are enough of them.
class Bytes {
 public:
  Bytes() = default;
  explicit Bytes(uint64_t count);
  Bytes(Bytes&& o) noexcept : data_(std::exchange(o.data_, nullptr)), count_(std::exchange(o.count_, 0)) {}
  Bytes& operator=(Bytes&& o) noexcept {
    std::swap(data_, o.data_), std::swap(count_, o.count_);
    return *this;
  }
  ~Bytes();
  char* data() const { return data_; }
  uint64_t count() const { return count_; }

 private:
  char* data_ = nullptr;
  uint64_t count_ = 0;
};

class Executable;

class Session {
 public:
  explicit Session(const Settings& settings);
  bool claims(const Op& op) const;
  void prepare(const Program& program, Planner& planner);
  void state_create(const std::vector<StateEntry>& entries);
  void state_read(uint32_t entry, void* row_major);
  void state_write(uint32_t entry, const void* row_major);
  std::unique_ptr<Executable> compile(Program program);
  std::string describe() const;

  const Settings settings;
  /// What steps are bound to; `version` grows when an address changes.
  Memory memory;
  uint64_t version = 1;
  void use_threads() const;  ///< tells OpenMP, and so oneDNN, how many

 private:
  const StateEntry& entry(uint32_t number) const;
  Bytes arena_, state_;
  std::vector<StateEntry> entries_;
  std::vector<char*> states_, workspaces_;
  std::vector<Bytes> workspace_bytes_;
};

class Executable {
 public:
  Executable(Session& session, Program program, std::vector<std::unique_ptr<Step>> steps);
  void run(const Run& run);
  void wait() {}  // run returns when it is done
  std::vector<OpTime> profile(bool enable);

 private:
  struct Feed {  ///< where an input goes
    uint32_t index;
    uint64_t offset;
    int64_t batch;
    size_t sample_bytes;
    std::optional<Mover> sample;  ///< one sample into its layout; nothing: contiguous
  };
  struct Output {
    const Value* value;
    uint64_t offset;
    Mover mover;
  };
  void bind();
  void feed(const Feed& f, const lamina_feed& from);

  Session& session_;
  Program program_;
  std::vector<std::unique_ptr<Step>> steps_;
  std::vector<Feed> feeds_;
  std::vector<Output> outputs_;
  uint64_t bound_ = 0;
  bool timed_ = false;
  std::vector<double> seconds_;
};

}  // namespace lamina::cpu
