/// What the ops of the reference backend share: where values live, what a kernel is, how one is found by name, and checks that end in a
/// sentence.
#pragma once
#include <lamina/program.hpp>

#include <cstddef>
#include <cstdlib>
#include <functional>
#include <memory>

namespace reference {

using lamina::DType;
using lamina::Op;
using lamina::Shape;
using lamina::Value;

/// Zero-filled bytes, aligned to 64.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t bytes) : bytes_(bytes), data_(allocate(bytes)) {}
  std::byte* data() const { return data_.get(); }
  size_t bytes() const { return bytes_; }

 private:
  static std::byte* allocate(size_t bytes) {
    const size_t rounded = (bytes / 64 + 1) * 64;
    void* p = std::aligned_alloc(64, rounded);
    if (!p) throw lamina::Error(lamina::describe("there is no memory for ", bytes, " bytes"));
    std::memset(p, 0, rounded);
    return static_cast<std::byte*>(p);
  }
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  size_t bytes_ = 0;
  std::unique_ptr<std::byte[], Free> data_;
};

/// What a session keeps: the state, and one arena that all its programs use in turn.
struct Storage {
  Buffer arena;
  std::vector<Buffer> states;
};

/// What a kernel reaches during one run.
struct Memory {
  const Storage& storage;
  const lamina_run& run;
  template <class T>
  T* at(const Value& v) const {
    return reinterpret_cast<T*>(v.kind == LAMINA_STATE ? storage.states[v.raw.index].data() : storage.arena.data() + v.raw.offset);
  }
};

/// One op, ready to run. It refers to its Op, which lives in the executable's program.
using Kernel = std::function<void(const Memory&)>;
/// Checks the op and prepares its kernel; throws Error with a sentence.
using Maker = Kernel (*)(const Op&);
struct Entry {
  const char* name;
  Maker make;
};

// One list per file.
std::vector<Entry> shape_ops();
std::vector<Entry> index_ops();
std::vector<Entry> matmul_ops();
std::vector<Entry> conv_ops();
std::vector<Entry> pool_ops();
std::vector<Entry> softmax_ops();
std::vector<Entry> normalize_ops();
Kernel make_map(const Op&);
Kernel make_custom(const Op&);
/// A custom kernel has a body for the type of its values.
bool has_body(const Op&);

/// The maker of an op; null for a name that is not known.
Maker find_maker(const std::string& name);

/// Chooses by the type of the first operand.
template <Maker Float, Maker Double>
Kernel real(const Op& op) {
  if (op.in(0).dtype == DType::float32) return Float(op);
  if (op.in(0).dtype == DType::float64) return Double(op);
  op.fail("it computes in float32 or float64, not in ", lamina::name_of(op.in(0).dtype));
}
/// Chooses by the bytes of an element, for ops that only move elements: calls make(unsigned integer of that size).
template <class Make>
Kernel by_size(const Op& op, Make make) {
  const size_t bytes = lamina::size_of(op.in(0).dtype);
  if (bytes == 1) return make(uint8_t());
  if (bytes == 2) return make(uint16_t());
  if (bytes == 4) return make(uint32_t());
  if (bytes == 8) return make(uint64_t());
  op.fail("its operand has an unknown type");
}

inline void expect_counts(const Op& op, uint32_t in, uint32_t out) {
  if (op.in_count() != in || op.out_count() != out)
    op.fail("it has ", op.in_count(), " operands and ", op.out_count(), " results; wanted ", in, " and ", out);
}
inline void expect_shape(const Op& op, const char* what, const Value& v, const Shape& wanted) {
  if (v.shape != wanted) op.fail("the shape of its ", what, " is ", v.shape, "; wanted ", wanted);
}
inline void expect_dtype(const Op& op, const char* what, const Value& v, DType wanted) {
  if (v.dtype != wanted) op.fail("its ", what, " is ", lamina::name_of(v.dtype), "; wanted ", lamina::name_of(wanted));
}
inline void expect_rank(const Op& op, const char* what, const Value& v, size_t low, size_t high) {
  if (v.rank() < low || v.rank() > high) op.fail("the rank of its ", what, " is ", v.rank(), "; wanted ", low, " to ", high);
}
inline size_t expect_axis(const Op& op, int64_t axis, size_t rank) {
  if (axis < 0 || size_t(axis) >= rank) op.fail("axis ", axis, " is not one of the ", rank, " axes of its operand");
  return size_t(axis);
}
/// A list attribute with `count` entries, none below `low`.
inline Shape expect_list(const Op& op, const char* name, size_t count, int64_t low) {
  const Shape list = op.list(name);
  if (list.size() != count) op.fail("'", name, "' is ", list, "; wanted ", count, " entries");
  for (int64_t v : list)
    if (v < low) op.fail("'", name, "' is ", list, "; wanted no entry below ", low);
  return list;
}

/// A shape seen along one axis: element (o, i, r) stands at (o · size + i) · inner + r.
struct Along {
  Along(const Shape& shape, size_t axis) : size(shape[axis]) {
    for (size_t a = 0; a < axis; ++a) outer *= shape[a];
    for (size_t a = axis + 1; a < shape.size(); ++a) inner *= shape[a];
  }
  int64_t outer = 1, size, inner = 1;
};

}  // namespace reference
