/// A program as a backend sees it: copies of what the host handed over, read by the size-first rule, so a host older than this header is
/// safe to read. Whatever refers to something that is not there throws Error with a sentence that names the op.
#pragma once
#include <algorithm>
#include <cstring>
#include <string_view>

#include "abi_backend.h"
#include "sized.hpp"

namespace lamina {

inline Shape dense_strides(const Shape& shape) {  ///< in elements, row-major
  Shape s(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) s[i - 1] = s[i] * shape[i];
  return s;
}

/// Attributes of an op or an instruction, by name. Errors name the attribute and who lacks it.
class Attributes {
 public:
  Attributes() = default;
  Attributes(const lamina_attribute* data, uint32_t count, std::string owner) : data_(data), count_(count), owner_(std::move(owner)) {}
  const lamina_attribute* find(std::string_view name) const {
    for (uint32_t i = 0; i < count_; ++i)
      if (name == data_[i].name) return &data_[i];
    return nullptr;
  }
  int64_t integer(std::string_view name) const { return *values<int64_t>(name, LAMINA_INTEGER, LAMINA_BOOLEAN, LAMINA_DTYPE); }
  int64_t integer(std::string_view name, int64_t otherwise) const { return find(name) ? integer(name) : otherwise; }
  bool boolean(std::string_view name) const { return *values<int64_t>(name, LAMINA_BOOLEAN, LAMINA_INTEGER) != 0; }
  bool boolean(std::string_view name, bool otherwise) const { return find(name) ? boolean(name) : otherwise; }
  double real(std::string_view name) const {
    const lamina_attribute* a = find(name);
    if (a && a->type == LAMINA_INTEGER && a->count) return double(*static_cast<const int64_t*>(a->data));
    return *values<double>(name, LAMINA_REAL);
  }
  double real(std::string_view name, double otherwise) const { return find(name) ? real(name) : otherwise; }
  std::string text(std::string_view name) const { return *values<const char*>(name, LAMINA_TEXT); }
  std::string text(std::string_view name, const char* otherwise) const { return find(name) ? text(name) : otherwise; }
  Shape list(std::string_view name) const {  ///< an empty list is legal
    const lamina_attribute* a = find(name);
    if (!a || (a->type & ~uint32_t(LAMINA_LIST)) != LAMINA_INTEGER) missing(name, "a list of integers");
    const auto* first = static_cast<const int64_t*>(a->data);
    return Shape(first, first + a->count);
  }

 private:
  template <class T, class... Types>
  const T* values(std::string_view name, Types... types) const {
    const lamina_attribute* a = find(name);
    if (!a || !a->count || !a->data || !((a->type == uint32_t(types)) || ...))
      missing(name, std::is_same_v<T, double> ? "a real number" : std::is_same_v<T, int64_t> ? "an integer" : "a text");
    return static_cast<const T*>(a->data);
  }
  [[noreturn]] void missing(std::string_view name, const char* wanted) const {
    throw Error(owner_ + " has no attribute '" + std::string(name) + "' that is " + wanted);
  }
  const lamina_attribute* data_ = nullptr;
  uint32_t count_ = 0;
  std::string owner_;
};

/// A value of the program: its place, type and extents.
struct Value {
  Value() = default;
  Value(uint32_t number, const lamina_program_value& v)
      : number(number), raw(v), kind(v.kind), dtype(DType(v.dtype)), shape(v.dims, v.dims + std::min<uint32_t>(v.rank, LAMINA_MAX_RANK)) {}
  bool is(uint32_t wanted) const { return kind == wanted; }  ///< LAMINA_TEMPORARY, LAMINA_INPUT, LAMINA_STATE, LAMINA_SCALAR
  uint32_t rank() const { return uint32_t(shape.size()); }
  int64_t size(size_t axis) const { return shape.at(axis); }
  int64_t count() const { return element_count(shape); }
  uint64_t dense_bytes() const { return uint64_t(count()) * size_of(dtype); }
  uint64_t layout() const { return raw.layout; }
  uint32_t number = LAMINA_ABSENT;
  lamina_program_value raw{};
  uint32_t kind = 0;
  DType dtype{};
  Shape shape;
};

struct Instruction {
  std::string op;
  DType dtype;
  std::vector<uint32_t> in;  ///< < operand count: that operand; else operand count + number of an earlier instruction
  Attributes attributes;
};

/// The fused elementwise expression of a "map" op. Segment s reads op.in(s · operands + i) and writes op.out(s · results + j).
struct Region {
  struct Result {
    uint32_t from;    ///< instruction
    uint32_t reduce;  ///< LAMINA_KEEP, LAMINA_SUM, LAMINA_MAX, LAMINA_MIN
  };
  uint32_t operands = 0;
  std::vector<Instruction> instructions;
  std::vector<Result> results;
  std::vector<Shape> spaces;  ///< iteration space of each segment
};

class Op {
 public:
  Op() = default;
  /// `values`: the array the op's numbers refer to; `value_count` of them, or any number when it is not known.
  Op(uint32_t number, const lamina_program_op& op, const lamina_program_value* values, uint32_t value_count = LAMINA_ABSENT)
      : number(number), name(op.name ? op.name : ""), path(op.path ? op.path : ""), raw(op) {
    attributes = Attributes(op.attributes, op.attribute_count, where());
    in_ = views(op.in, op.in_count, values, value_count);
    out_ = views(op.out, op.out_count, values, value_count);
    if (op.region) take(border::read_sized(op.region));
    if (op.kernel) kernel = border::read_sized(op.kernel);
  }
  uint32_t in_count() const { return uint32_t(in_.size()); }
  uint32_t out_count() const { return uint32_t(out_.size()); }
  bool has_in(size_t i) const { return i < in_.size() && in_[i].number != LAMINA_ABSENT; }
  bool has_out(size_t i) const { return i < out_.size() && out_[i].number != LAMINA_ABSENT; }
  const Value& in(size_t i) const { return has_in(i) ? in_[i] : lacks("operand", i); }
  const Value& out(size_t i) const { return has_out(i) ? out_[i] : lacks("result", i); }
  int64_t integer(std::string_view n) const { return attributes.integer(n); }
  int64_t integer(std::string_view n, int64_t otherwise) const { return attributes.integer(n, otherwise); }
  bool boolean(std::string_view n) const { return attributes.boolean(n); }
  bool boolean(std::string_view n, bool otherwise) const { return attributes.boolean(n, otherwise); }
  double real(std::string_view n) const { return attributes.real(n); }
  double real(std::string_view n, double otherwise) const { return attributes.real(n, otherwise); }
  Shape list(std::string_view n) const { return attributes.list(n); }
  std::string text(std::string_view n) const { return attributes.text(n); }
  std::string text(std::string_view n, const char* otherwise) const { return attributes.text(n, otherwise); }
  std::string where() const { return "op '" + name + "'" + (path.empty() ? "" : " of '" + path + "'"); }
  /// Refuses with a sentence that names the op and its layer.
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    throw Error(where() + ": " + describe(parts...));
  }

  uint32_t number = 0;
  std::string name, path;
  Attributes attributes;
  Region region;           ///< "map"
  lamina_kernel kernel{};  ///< "kernel"; its constants and items are raw's
  lamina_program_op raw{};

 private:
  std::vector<Value> views(const uint32_t* numbers, uint32_t count, const lamina_program_value* values, uint32_t value_count) const {
    std::vector<Value> v;
    v.reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
      if (numbers[i] == LAMINA_ABSENT)
        v.emplace_back();
      else if (numbers[i] >= value_count)
        fail("it names value ", numbers[i], ", but the program has ", value_count);
      else
        v.emplace_back(numbers[i], border::item_sized(values, numbers[i]));
    }
    return v;
  }
  void take(const lamina_region& r) {
    region.operands = r.operand_count;
    for (uint32_t i = 0; i < r.instruction_count; ++i) {
      const lamina_instruction n = border::item_sized(r.instructions, i);
      if (n.in_count > 3) fail("instruction ", i, " has ", n.in_count, " operands; three are the most");
      for (uint32_t k = 0; k < n.in_count; ++k)
        if (n.in[k] >= r.operand_count + i) fail("instruction ", i, " reads number ", n.in[k], ", which is not computed yet");
      region.instructions.push_back(
          {n.op, DType(n.dtype), {n.in, n.in + n.in_count}, {n.attributes, n.attribute_count, where() + ", instruction '" + n.op + "',"}});
    }
    for (const auto& result : border::list_sized(r.results, r.result_count)) {
      if (result.from >= r.instruction_count) fail("a result is taken from instruction ", result.from, " of ", r.instruction_count);
      region.results.push_back({result.from, result.reduce});
    }
    for (uint32_t s = 0; s < r.segment_count; ++s)
      region.spaces.emplace_back(r.shapes[s].dims, r.shapes[s].dims + std::min<uint32_t>(r.shapes[s].rank, LAMINA_MAX_RANK));
    if (uint64_t(r.operand_count) * r.segment_count != raw.in_count || uint64_t(r.result_count) * r.segment_count != raw.out_count)
      fail("its region has ", r.segment_count, " segments of ", r.operand_count, " operands and ", r.result_count, " results, but the op ",
           raw.in_count, " operands and ", raw.out_count, " results");
  }
  const Value& lacks(const char* what, size_t i) const { fail("it has no ", what, " ", i); }
  std::vector<Value> in_, out_;
};

/// A program as the host handed it over. Attributes, kernels' constants and texts stay the host's: valid until the executable is released.
struct Program {
  struct Output {
    uint32_t value;
    uint64_t offset;  ///< in Run::outputs; dense, row-major
  };
  explicit Program(const lamina_program* program) {
    const lamina_program p = border::read_sized(program);
    name = p.name ? p.name : "";
    arena_bytes = p.arena_bytes, output_bytes = p.output_bytes, feed_count = p.feed_count, scalar_count = p.scalar_count;
    for (uint32_t i = 0; i < p.value_count; ++i) values.emplace_back(i, border::item_sized(p.values, i));
    for (uint32_t i = 0; i < p.op_count; ++i) ops.emplace_back(i, border::item_sized(p.ops, i), p.values, p.value_count);
    for (const auto& o : border::list_sized(p.outputs, p.output_count)) {
      if (o.value >= values.size()) throw Error(describe("the program's output names value ", o.value, " of ", values.size()));
      outputs.push_back({o.value, o.offset});
    }
  }
  std::string name;
  std::vector<Value> values;
  std::vector<Op> ops;  ///< in the order they run
  std::vector<Output> outputs;
  uint64_t arena_bytes = 0, output_bytes = 0;
  uint32_t feed_count = 0, scalar_count = 0;
};

/// What a session may ask for during prepare; see lamina_planner. Results and operands are numbers within the op.
class Planner {
 public:
  Planner(const lamina_planner* planner, void* plan) : table_(border::read_sized(planner)), plan_(plan) {}
  void layout(const Value& v, uint64_t token, uint64_t bytes, uint64_t alignment = 64) {
    table_.layout(plan_, v.number, token, bytes, alignment);
  }
  void scratch(const Op& op, uint64_t bytes) { table_.scratch(plan_, op.number, bytes); }
  void overwrite(const Op& op, uint32_t result, uint32_t operand) { table_.overwrite(plan_, op.number, result, operand); }
  void view(const Op& op, uint32_t result, uint32_t operand) { table_.view(plan_, op.number, result, operand); }
  void reorder(const Op& op, uint32_t operand, uint64_t token, uint64_t bytes, uint64_t alignment = 64) {
    table_.reorder(plan_, op.number, operand, token, bytes, alignment);
  }

 private:
  lamina_planner table_;
  void* plan_;
};

struct StateEntry {
  DType dtype;
  Shape shape;
  std::string path;
  uint64_t layout, bytes, alignment;
};

struct Device {
  std::string name, type, driver;  ///< type: "cpu", "gpu", …
  uint64_t memory = 0;             ///< bytes, 0 = not known
  uint32_t threads = 0;
  bool available = true;
  std::string why = {};      ///< it is not available
  std::string details = {};  ///< limits and features, a line each
};

using Run = lamina_run;
struct OpTime {
  uint32_t op;
  double seconds;
};

}  // namespace lamina
