/// From ops to dispatches: the planning that backends share, with dispatches of compute shaders added while compiling.
#pragma once
#include <array>
#include <set>

#include <lamina/program.hpp>

#include "common/planning.hpp"

namespace lamina::vulkan {

using namespace backends;

/// What kernels must know of the device they run on.
struct Limits {
  bool lanes = false;                  ///< a CPU behind Vulkan: kernels without shared memory and barriers, small workgroups
  DType storage = DType::float32;      ///< of activations and their gradients in memory; all is computed in float32
  uint32_t subgroup = 1;               ///< invocations that can exchange values by shuffles; 1: none
  uint32_t invocations = 256;          ///< of a workgroup, at most
  uint32_t shared_bytes = 16384;       ///< of a workgroup, at most
  uint32_t bindings = 8;               ///< storage buffers of a shader, at most
  uint64_t range = uint64_t(1) << 27;  ///< bytes of a binding, at most
  uint32_t groups = 65535;             ///< workgroups along each axis, at most
  uint64_t alignment = 64;             ///< of bindings; all values and scratch have it
  uint32_t processors = 1;             ///< an estimate of how many workgroups fill the device
  bool report_faults = false;          ///< whether kernels of plugins tell what they do outside of their tensors; costs time
};

/// GLSL of a compute shader: #version 450 and `definitions` are put before it, #include "x.glsl" is a file of shaders/.
struct Shader {
  std::string name;           ///< of a file in shaders/, "gemm_lanes.comp"; or what the source is, for errors and profiles: "map"
  std::string definitions{};  ///< lines of #define
  std::string source{};       ///< generated; empty: the file
};

/// Bytes that a binding shows to a shader.
struct Range {
  enum class Space : uint8_t {
    arena,
    state,   ///< one entry of the state
    states,  ///< all of the state, which lies in one buffer
    step,    ///< the step table
    table,   ///< constant words
    faults   ///< what a kernel did wrong
  };
  Space space = Space::arena;
  uint32_t entry = 0;  ///< of the state
  uint64_t offset = 0, bytes = 0;
};

struct Dispatch {
  Shader shader;
  std::vector<Range> bindings;  ///< binding i of set 0; whether it is read or written is taken from the shader's readonly and writeonly
  std::vector<uint32_t> constants{};  ///< specialization constant i
  std::vector<uint32_t> push{};       ///< push constants, 32 words at most
  std::array<uint32_t, 3> groups{1, 1, 1};
};

class Lowering : public Planning {
 public:
  Lowering(const Program& program, Planner& planner, const Limits& limits);
  /// Compiling: what is added goes to `sink`.
  struct Sink;
  Lowering(const Program& program, const Limits& limits, Sink& sink);

  const Limits& limits;
  /// Bytes of a place; `bytes` are rounded up to whole words.
  static Range range(Place place, uint64_t bytes);
  Range range(Place place, const Value& v) const { return range(place, stored_bytes(v)); }

  /// The op that runs next; null behind the last.
  const Op* following(const Op& op) const { return op.number + 1 < program_.ops.size() ? &program_.ops[op.number + 1] : nullptr; }
  std::set<uint32_t> merged;  ///< ops whose work an earlier op's dispatch does

  /// Where a place lies in its buffer, the arena's or that of the states, in bytes. 0 while planning.
  uint64_t address(Place place) const;

  /// Dispatches run as if one after the other, in the order they are added. While planning it does nothing.
  void add(Dispatch dispatch);
  /// Alternatives that give the same bits: the fastest is chosen on the device, or the first where nothing is tuned.
  void add_best(std::vector<Dispatch> alternatives);
  /// Fills with zeros, or with another word.
  void add_fill(Range range, uint32_t word = 0);
  void add_reorder(Place from, uint64_t from_token, Place to, uint64_t to_token, int64_t count, DType dtype) override;

  /// The step table: 32-bit words that the host writes before every step, bound as `uint step[]`, readonly.
  Range step_table() const;
  /// The word that holds a scalar of the step table as `dtype` (float bits, int, uint, or 0 and 1).
  uint32_t scalar_word(const Value& scalar, DType dtype);
  /// The first of four words key0, key1, step, micro_batch of a random stream; see lamina/philox.hpp.
  uint32_t stream_words(uint64_t key);
  /// Constant words on the device, for tables that are too long for push constants. While planning it is empty.
  Range table(const std::vector<uint32_t>& words);
  /// Words where this op's kernel counts what it does wrong; they are looked at after every run.
  Range faults(uint64_t words);

  /// Workgroups spread over the first two axes: a shader finds its number as gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x, and
  /// there may be some more than asked for.
  std::array<uint32_t, 3> spread(uint64_t groups) const;

 private:
  Sink* sink_ = nullptr;
};

constexpr uint32_t first_stream_word = 256;  ///< scalars stand before it

/// What a program becomes, before it is bound to memory.
struct Lowering::Sink {
  struct Step {
    uint32_t op;                         ///< number of the op it belongs to
    std::vector<Dispatch> alternatives;  ///< empty: `to` is filled with `word`
    Range to{};
    uint32_t word = 0;
  };
  struct Scalar {
    uint32_t row;
    DType dtype;
  };
  std::vector<uint64_t> state_offsets;  ///< given: of each entry of the state in its buffer
  std::vector<Step> steps;
  std::vector<Scalar> scalars;    ///< word i of the step table
  std::vector<uint64_t> streams;  ///< keys; words first_stream_word + 4 · i of the step table
  std::vector<uint32_t> tables;   ///< all constant words, in ranges aligned to limits.alignment
  struct Watched {
    uint32_t op;
    uint64_t offset;  ///< of its words in the buffer of faults
  };
  std::vector<Watched> watched;
  uint64_t fault_bytes = 0;
};

/// Lowers any op of the op list; Error names an op it does not know, or why it cannot run.
void lower(Lowering& l, const Op& op);
/// Whether `lower` runs this op itself; composites it does not are decomposed.
bool claims(const Op& op);

// The families; each in the .cpp of its name.
void lower_map(Lowering&, const Op&);      // map
void lower_matmul(Lowering&, const Op&);   // matmul
void lower_conv(Lowering&, const Op&);     // conv, conv_backward_data, conv_backward_weights
void lower_pool(Lowering&, const Op&);     // max_pool, max_unpool, max_take, average_pool, average_pool_backward
void lower_shape(Lowering&, const Op&);    // reshape, transpose, slice, pad, concat, reverse, reorder, copy
void lower_index(Lowering&, const Op&);    // argmax, gather, scatter_add
void lower_softmax(Lowering&, const Op&);  // softmax, log_softmax, softmax_cross_entropy, softmax_cross_entropy_backward
void lower_kernel(Lowering&, const Op&);   // kernel

}  // namespace lamina::vulkan
