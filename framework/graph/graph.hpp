/// The graph of one program: nodes are ops, values are their results. Built by recording, then differentiated and rewritten by passes.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <lamina/tensor.hpp>

namespace lamina::graph {

struct Op;
using ValueId = uint32_t;
constexpr ValueId absent = 0xffffffffu;

struct TensorType {
  DType dtype;
  Shape shape;
  bool operator==(const TensorType&) const = default;
};

struct Value {
  uint32_t node;
  uint32_t result;  ///< which of the node's results
  TensorType type;
  bool hosted;  ///< rank 0 and made of scalars and constants alone: evaluated on the host in float64 before each step
};

struct Node {
  const Op* op;
  const std::string* path;  ///< of the layer that recorded it; owned by the graph
  std::vector<ValueId> in, out;
  std::vector<Attribute> attributes;
  const lamina_kernel* kernel = nullptr;  ///< op "kernel"
  std::vector<double> constants = {};
  int64_t items = 0;
  uint32_t rank = 0;  ///< where it stands in the order of recording; parts of a decomposition stand where their composite stood

  const Attribute* find(const char* name) const;
  int64_t integer(const char* name) const;
  bool boolean(const char* name) const { return integer(name) != 0; }
  double real(const char* name) const;
  const Shape& list(const char* name) const;
  const std::string& text(const char* name) const;
};

enum class StateKind { parameter, statistic, slot };

/// A tensor that outlives the step, as this program knows it.
struct StateEntry {
  std::string path;  ///< "c1/weight", "bn/running_mean", "velocity/c1/weight" (slot/parameter)
  StateKind kind;
  TensorType type;
  Initializer start;
  ValueId first;    ///< the version that the step begins with
  ValueId current;  ///< the version that is committed; = first if nothing assigns
};

/// A number that the host supplies or computes before each step.
struct ScalarEntry {
  enum Source { setting, learning_rate, step } source;
  std::string name;
  double value;  ///< of a setting
  ValueId id;
};

struct InputEntry {
  std::string column;
  TensorType type;  ///< as stored, batch axis included
  ValueId id;
};

class Graph {
 public:
  explicit Graph(DType real) : real(real) {}
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  const std::string* path(const std::string& name) { return &*paths_.insert(name).first; }
  ValueId add_value(uint32_t node, uint32_t result, TensorType type, bool hosted) {
    values.push_back({node, result, std::move(type), hosted});
    return ValueId(values.size() - 1);
  }
  uint32_t add_node(Node node) {
    node.rank = part_of ? *part_of : uint32_t(nodes.size());
    nodes.push_back(std::move(node));
    return uint32_t(nodes.size() - 1);
  }
  const Node& node_of(ValueId v) const { return nodes[values[v].node]; }
  StateEntry* state(const std::string& path) {
    auto it = state_index.find(path);
    return it == state_index.end() ? nullptr : &states[it->second];
  }

  DType real;  ///< what the program computes in: float32 or float64
  std::vector<Node> nodes;
  std::vector<Value> values;
  std::vector<StateEntry> states;
  std::map<std::string, size_t> state_index;
  std::vector<ScalarEntry> scalars;
  std::vector<InputEntry> inputs;
  std::optional<uint32_t> part_of;    ///< rank for nodes recorded while a composite is decomposed
  uint32_t update_rank = UINT32_MAX;  ///< nodes from this rank on update the state

 private:
  std::set<std::string> paths_;
};

std::string to_text(const TensorType& type);  ///< "float32 [64, 1, 28, 28]"

}  // namespace lamina::graph
