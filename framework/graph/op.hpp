/// The only op list of the project. An op has its shape rule, gradient rule, edge semantics and doc in one place; backends know ops by
/// name.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "graph/graph.hpp"

namespace lamina::graph {

/// What a shape rule sees: operand types and attributes; it may complete attributes (defaults, negative axes).
struct Inference {
  const Op& op;
  DType real;
  std::vector<const Value*> in;  ///< null: absent operand
  std::vector<Attribute>& attributes;
  bool hosted = false;  ///< set by the rule when the result is evaluated on the host

  const TensorType& type(size_t i) const { return in.at(i)->type; }
  const Shape& shape(size_t i) const { return type(i).shape; }
  Attribute* find(const char* name) const;
  int64_t integer(const char* name) const;
  const Shape& list(const char* name) const;
  void set(const char* name, int64_t value);
  void set(const char* name, Shape value);
  /// The list, or `fill` repeated where it is not given; a wrong length is refused.
  const Shape& complete(const char* name, size_t length, int64_t fill);
  void want_real(size_t i) const;
  void want_rank(size_t i, size_t least, const char* shape_text) const;
  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    throw Error(op_name() + ": " + describe(parts...));
  }
  std::string op_name() const;
};

/// What a gradient rule sees. dy[i] is absent where nothing depends on result i. Returns one gradient per operand, absent where there is
/// none.
struct GradientCall {
  Scope& scope;
  const Node& node;  ///< a copy: recording moves the graph's own
  const Tensors &x, &y, &dy;
};

struct AttributeRule {
  std::string name;
  uint32_t type;
  bool required;
};

enum class OpKind { source, elementwise, reduction, primitive, composite };

struct Op {
  std::string name, doc;
  OpKind kind;
  uint32_t least_inputs, most_inputs;
  std::vector<AttributeRule> attributes;
  std::function<std::vector<TensorType>(Inference&)> infer;
  std::function<Tensors(const GradientCall&)> gradient = nullptr;                     ///< null: constant almost everywhere, or a source
  std::function<Tensors(Scope&, const Node&, const Tensors& x)> decompose = nullptr;  ///< composites
  std::function<double(const Node&, double, double, double)> host = nullptr;          ///< elementwise: the value in float64
};

const std::vector<Op>& ops();
const Op* find_op(const std::string& name);
const Op& op_named(const char* name);  ///< of a name that is known to exist

// The parts of the list; each in a .cpp of its own.
std::vector<Op> source_ops();
std::vector<Op> elementwise_ops();
std::vector<Op> shape_ops();
std::vector<Op> reduction_ops();
std::vector<Op> convolution_ops();
std::vector<Op> pool_ops();
std::vector<Op> composite_ops();

/// NumPy's rule over all operands; refuses with both shapes.
Shape broadcast_shape(const Inference& in);
/// Counts from the end when negative; refuses what is outside.
int64_t checked_axis(const Inference& in, int64_t axis, size_t rank);
/// The axes counted from the start and sorted; refuses one that is named twice.
Shape checked_axes(const Inference& in, Shape axes, size_t rank);
/// Product with overflow check and without zero-sized axes; refuses with the shape.
int64_t checked_elements(const Inference& in, const Shape& shape);
/// Sums a gradient down to the shape it broadcast from.
Tensor unbroadcast(const Tensor& d, const Shape& to);

constexpr uint32_t many = 1024;
constexpr uint32_t integer_list = LAMINA_INTEGER | LAMINA_LIST;

}  // namespace lamina::graph
