/// A backend at work: one open device, the state that all programs of a run share, and compiled programs.
#pragma once
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/descriptor.hpp"
#include "graph/recorder.hpp"
#include "plugin/describe.hpp"
#include "program/border.hpp"
#include "program/fuse.hpp"
#include "program/legalise.hpp"

namespace lamina::program {

class Session;

/// The numbers of one run of a program.
struct Moment {
  uint64_t seed = 0, step = 0, micro_batch = 0;  ///< of the random numbers
  double learning_rate = 0;
  double update = 1;  ///< the optimizer's step, 1 in the first update
};

struct OpProfile {
  std::string op, path;
  double seconds;
};

/// A program compiled for its backend. Used from the session's thread; dies before the session.
class Executable {
 public:
  ~Executable();
  Executable(const Executable&) = delete;
  Executable& operator=(const Executable&) = delete;

  /// Starts one run. `feeds`: one per feeds(), in that order. `outputs`: output_bytes() of host memory, filled when wait returns.
  void run(const Moment& moment, const lamina_feed* feeds, void* outputs);
  void wait();

  const std::vector<std::string>& feeds() const { return lowered_.feeds; }
  uint64_t output_bytes() const { return lowered_.output_bytes; }
  struct Output {
    graph::TensorType type;
    uint64_t offset;
  };
  /// Where an output lies; throws Error for a name that is none.
  Output output(const std::string& name) const;
  const Lowered& lowered() const { return lowered_; }
  const LegaliseReport& report() const { return report_; }
  /// Seconds per op since the last call; then starts or stops counting. Empty where the backend has no clock.
  std::vector<OpProfile> profile(bool enable);
  /// What the backend made of the program: a line that sums it up, then a line for each part; "" where it does not say.
  std::string explain() const;

 private:
  friend class Session;
  Executable(Session& session, std::unique_ptr<graph::Graph> graph) : session_(session), graph_(std::move(graph)) {}
  void prepare_host_program();
  [[noreturn]] void refuse();
  void evaluate_host_program(const Moment& moment);

  Session& session_;
  std::unique_ptr<graph::Graph> graph_;
  Lowered lowered_;
  LegaliseReport report_;
  std::unique_ptr<BorderProgram> border_;
  void* executable_ = nullptr;
  lamina_scope scope_;
  struct HostOp {
    uint32_t to, in[3];
    const graph::Node* node;
  };
  std::vector<HostOp> varying_;  ///< what must be computed anew in every step
  std::vector<std::pair<uint32_t, graph::ScalarEntry::Source>> sources_;
  std::vector<double> numbers_, scalars_;
};

/// One tensor of the state.
struct StateInfo {
  std::string path;
  graph::StateKind kind;
  graph::TensorType type;
  Initializer start;
};

/// How a graph is lowered. The defaults are what training uses; the others exist to compare results against.
struct CompileOptions {
  bool composites = true;  ///< false: composites are decomposed even where the backend claims them
  bool fusion = true;      ///< false: every elementwise op and reduction is an op of its own
};

class Session {
 public:
  /// Opens the backend. Throws Failure(Exit::backend) with a sentence.
  Session(const Descriptor& backend, const std::vector<Attribute>& settings);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// What programs of this session compute in, from the setting `precision`.
  DType real() const { return real_; }
  /// That setting as it stands: "float32"; with "bfloat16" or "float16" a backend stores less than it computes in. Else real()'s name.
  const std::string& precision() const { return precision_; }
  /// Lowers and compiles. The first program lays out the state: it must know every tensor that later ones use.
  /// Failure(Exit::backend) for a program that needs more memory than the backend's devices have, before any is taken.
  std::unique_ptr<Executable> compile(std::unique_ptr<graph::Graph> graph, std::vector<NamedValue> outputs, const std::string& name,
                                      const CompileOptions& options = {});

  const std::vector<StateInfo>& state() const { return state_; }
  /// Number of the tensor at `path`, or -1.
  int64_t find(const std::string& path) const;
  uint64_t bytes(size_t entry) const;  ///< dense
  void read(size_t entry, void* row_major);
  void write(size_t entry, const void* row_major);
  /// Promises that these bytes stay as they are while the session lives: a backend may keep a copy of a feed from there on its device.
  void keep(const void* base, uint64_t bytes);
  std::string describe() const;
  const std::string& backend() const { return name_; }

 private:
  friend class Executable;
  void lower(Executable& to, std::vector<NamedValue> outputs, const CompileOptions& options);
  void create_state(const Lowered& program, const graph::Graph& graph, const std::vector<uint32_t>& entry_of);
  void prepare(Lowered& program);
  void check_memory(const Lowered& program) const;

  std::string name_;
  lamina_backend table_{};
  void* session_ = nullptr;
  mutable lamina_scope scope_;
  std::string words_;  ///< of its calls, should one crash
  DType real_ = DType::float32;
  std::string precision_ = name_of(DType::float32);
  uint64_t memory_ = 0;  ///< bytes that a program may need; 0: not known
  std::vector<StateInfo> state_;
  std::map<std::string, uint32_t> index_;
  struct Place {
    uint64_t layout, bytes, alignment;
  };
  std::vector<Place> places_;
};

/// Settings as the C ABI takes them; valid while `settings` lives unchanged.
std::vector<lamina_attribute> views(const std::vector<Attribute>& settings);

}  // namespace lamina::program
