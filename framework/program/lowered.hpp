/// A program on its way to a backend: fused ops in the order they run, values with a place. What lamina_program is made from.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include <lamina/abi_backend.h>

#include "graph/graph.hpp"

namespace lamina::program {

using graph::TensorType;
using graph::ValueId;

struct LoweredValue {
  TensorType type;
  uint32_t kind = LAMINA_TEMPORARY;
  uint32_t index = 0;  ///< feed, state entry or row of the step table
  uint64_t layout = 0, bytes = 0, alignment = 64, offset = 0;
  bool fixed = false;
  uint32_t view_of = LAMINA_ABSENT;  ///< the operand of its op whose bytes it is
};

struct Instruction {
  std::string op;
  DType dtype;
  std::vector<uint32_t> in;  ///< < operand count: that operand; else operand count + instruction
  std::vector<Attribute> attributes;
};
struct Region {
  uint32_t operand_count = 0;
  std::vector<Instruction> instructions;
  std::vector<lamina_region_result> results;
  std::vector<Shape> spaces;  ///< one per segment
};

struct LoweredOp {
  std::string name;
  const std::string* path;
  std::vector<uint32_t> in, out;  ///< values; LAMINA_ABSENT where an optional one is not there
  std::vector<Attribute> attributes;
  std::unique_ptr<Region> region;
  const lamina_kernel* kernel = nullptr;
  std::vector<double> constants;
  int64_t items = 0;
  uint32_t rank = 0;
  uint64_t scratch = 0, scratch_bytes = 0;
};

/// A value that the host computes in float64 before each step.
struct HostStep {
  const graph::Node* node;
  std::vector<uint32_t> in;  ///< earlier steps
};
struct HostProgram {
  std::vector<HostStep> steps;
  std::vector<uint32_t> rows;                                    ///< row of the step table → step
  std::vector<std::pair<uint32_t, graph::ScalarEntry>> sources;  ///< step → where its number comes from
};

struct LoweredOutput {
  std::string name;
  uint32_t value;
  uint64_t offset = 0;
};
/// A state whose next version this program makes.
struct Commit {
  uint32_t state;  ///< entry
  uint32_t next;   ///< value
};

struct Lowered {
  std::string name;
  std::vector<LoweredValue> values;
  std::vector<LoweredOp> ops;
  std::vector<LoweredOutput> outputs;
  std::vector<std::string> feeds;  ///< column names, in feed order
  std::vector<Commit> commits;
  std::vector<uint32_t> state_values;  ///< state entry → the value that is its first version, or LAMINA_ABSENT
  HostProgram host;
  uint64_t arena_bytes = 0, output_bytes = 0;
};

}  // namespace lamina::program
