/// Ops whose indices are data: gather, scatter_add, argmax. An index out of range reads 0 and writes nothing.
#include "kernel.hpp"
#include "numbers.hpp"

namespace reference {
namespace {

/// `shape` with `axis` replaced by all of `indices`.
Shape replaced(const Shape& shape, size_t axis, const Shape& indices) {
  Shape r(shape.begin(), shape.begin() + axis);
  r.insert(r.end(), indices.begin(), indices.end());
  r.insert(r.end(), shape.begin() + axis + 1, shape.end());
  return r;
}

Kernel gather(const Op& op) {
  expect_counts(op, 2, 1);
  const size_t axis = expect_axis(op, op.integer("axis"), op.in(0).rank());
  expect_dtype(op, "indices", op.in(1), DType::int32);
  expect_dtype(op, "result", op.out(0), op.in(0).dtype);
  expect_shape(op, "result", op.out(0), replaced(op.in(0).shape, axis, op.in(1).shape));
  return [&op, axis](const Memory& memory) {
    const Along x(op.in(0).shape, axis);
    const size_t line = size_t(x.inner) * lamina::size_of(op.in(0).dtype);
    const std::byte* from = memory.at<std::byte>(op.in(0));
    const int32_t* indices = memory.at<const int32_t>(op.in(1));
    std::byte* to = memory.at<std::byte>(op.out(0));
    const int64_t count = op.in(1).count();
    for (int64_t o = 0; o < x.outer; ++o)
      for (int64_t i = 0; i < count; ++i, to += line) {
        if (indices[i] >= 0 && indices[i] < x.size)
          std::memcpy(to, from + size_t(o * x.size + indices[i]) * line, line);
        else
          std::memset(to, 0, line);
      }
  };
}

/// Adds in the order of the indices: sums of reals in double, of integers wrapping.
template <class T>
Kernel scatter_add_of(const Op& op, size_t axis) {
  using Sum = std::conditional_t<std::is_floating_point_v<T>, double, int64_t>;
  return [&op, axis](const Memory& memory) {
    const Along x(op.out(0).shape, axis);
    const T* from = memory.at<const T>(op.in(0));
    const int32_t* indices = memory.at<const int32_t>(op.in(1));
    T* to = memory.at<T>(op.out(0));
    const int64_t count = op.in(1).count(), plane = x.size * x.inner;
    std::vector<Sum> sums(plane, Sum(0));
    for (int64_t o = 0; o < x.outer; ++o) {
      std::fill(sums.begin(), sums.end(), Sum(0));
      for (int64_t i = 0; i < count; ++i, from += x.inner)
        if (indices[i] >= 0 && indices[i] < x.size)
          for (int64_t r = 0; r < x.inner; ++r) sums[indices[i] * x.inner + r] += Sum(from[r]);
      for (int64_t i = 0; i < plane; ++i) to[o * plane + i] = T(sums[i]);
    }
  };
}

Kernel scatter_add(const Op& op) {
  expect_counts(op, 2, 1);
  const size_t axis = expect_axis(op, op.integer("axis"), op.out(0).rank());
  expect_dtype(op, "indices", op.in(1), DType::int32);
  expect_dtype(op, "result", op.out(0), op.in(0).dtype);
  expect_shape(op, "operand", op.in(0), replaced(op.out(0).shape, axis, op.in(1).shape));
  switch (op.in(0).dtype) {
    case DType::float64:
      return scatter_add_of<double>(op, axis);
    case DType::float32:
      return scatter_add_of<float>(op, axis);
    case DType::int32:
      return scatter_add_of<int32_t>(op, axis);
    case DType::uint32:
      return scatter_add_of<uint32_t>(op, axis);
    default:
      op.fail("it does not add elements of type ", lamina::name_of(op.in(0).dtype));
  }
}

/// The first of the largest; the first NaN is larger than all.
template <class T>
Kernel argmax_of(const Op& op, size_t axis) {
  return [&op, axis](const Memory& memory) {
    const Along a(op.in(0).shape, axis);
    const T* x = memory.at<const T>(op.in(0));
    int32_t* y = memory.at<int32_t>(op.out(0));
    for (int64_t o = 0; o < a.outer; ++o)
      for (int64_t r = 0; r < a.inner; ++r) {
        const T* line = x + o * a.size * a.inner + r;
        int64_t best = 0;
        for (int64_t i = 1; i < a.size; ++i) {
          const T v = line[i * a.inner], kept = line[best * a.inner];
          if (v > kept || (v != v && kept == kept)) best = i;
        }
        y[o * a.inner + r] = int32_t(best);
      }
  };
}

Kernel argmax(const Op& op) {
  expect_counts(op, 1, 1);
  const Value& x = op.in(0);
  const size_t axis = expect_axis(op, op.integer("axis"), x.rank());
  Shape wanted = x.shape;
  wanted[axis] = 1;
  expect_shape(op, "result", op.out(0), wanted);
  expect_dtype(op, "result", op.out(0), DType::int32);
  switch (x.dtype) {
    case DType::float64:
      return argmax_of<double>(op, axis);
    case DType::float32:
      return argmax_of<float>(op, axis);
    case DType::int32:
      return argmax_of<int32_t>(op, axis);
    case DType::uint32:
      return argmax_of<uint32_t>(op, axis);
    case DType::uint8:
    case DType::boolean:
      return argmax_of<uint8_t>(op, axis);
    default:
      op.fail("it does not compare elements of type ", lamina::name_of(x.dtype));
  }
}

}  // namespace

std::vector<Entry> index_ops() { return {{"gather", gather}, {"scatter_add", scatter_add}, {"argmax", argmax}}; }

}  // namespace reference
