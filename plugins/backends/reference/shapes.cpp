/// Ops that move elements and compute nothing: any element type, by its size alone.
#include "kernel.hpp"
#include "numbers.hpp"
#include "walk.hpp"

namespace reference {
namespace {

void expect_same_type(const Op& op) {
  for (uint32_t i = 0; i < op.in_count(); ++i) expect_dtype(op, "operand", op.in(i), op.out(0).dtype);
}

/// reshape, copy, reorder (there is one layout here): the same bytes; nothing to do where the result is a view.
Kernel copy(const Op& op) {
  expect_counts(op, 1, 1);
  expect_same_type(op);
  if (op.in(0).count() != op.out(0).count()) op.fail("it cannot make ", op.out(0).shape, " of ", op.in(0).shape);
  return [&op, bytes = op.in(0).dense_bytes()](const Memory& memory) {
    const auto* from = memory.at<std::byte>(op.in(0));
    auto* to = memory.at<std::byte>(op.out(0));
    if (from != to) std::memmove(to, from, bytes);
  };
}

/// Copies element by element over `space`; strides and first elements in elements.
Kernel strided(const Op& op, const Shape& space, const Shape& in, int64_t in_first, const Shape& out, int64_t out_first) {
  return by_size(op, [&](auto zero) -> Kernel {
    using E = decltype(zero);
    return [&op, in_first, out_first, walk = Walk(space, {in, out})](const Memory& memory) {
      const E* from = memory.at<const E>(op.in(0)) + in_first;
      E* to = memory.at<E>(op.out(0)) + out_first;
      const int64_t n = walk.length(), in_step = walk.step(0), out_step = walk.step(1);
      walk.rows([&](const int64_t* at) {
        for (int64_t i = 0; i < n; ++i) to[at[1] + i * out_step] = from[at[0] + i * in_step];
      });
    };
  });
}

Kernel transpose(const Op& op) {
  expect_counts(op, 1, 1);
  expect_same_type(op);
  const Value& x = op.in(0);
  const Shape axes = expect_list(op, "axes", x.rank(), 0), dense = lamina::dense_strides(x.shape);
  Shape wanted, strides;
  std::vector<bool> seen(x.rank());
  for (int64_t a : axes) {
    const size_t axis = expect_axis(op, a, x.rank());
    if (seen[axis]) op.fail("'axes' ", axes, " is no permutation");
    seen[axis] = true;
    wanted.push_back(x.shape[axis]), strides.push_back(dense[axis]);
  }
  expect_shape(op, "result", op.out(0), wanted);
  return strided(op, wanted, strides, 0, lamina::dense_strides(wanted), 0);
}

Kernel slice(const Op& op) {
  expect_counts(op, 1, 1);
  expect_same_type(op);
  const Value& x = op.in(0);
  const Shape begin = expect_list(op, "begin", x.rank(), 0), end = expect_list(op, "end", x.rank(), 1),
              stride = expect_list(op, "stride", x.rank(), 1);
  Shape wanted, strides = lamina::dense_strides(x.shape);
  int64_t first = 0;
  for (size_t a = 0; a < x.rank(); ++a) {
    if (end[a] > x.shape[a] || begin[a] >= end[a]) op.fail("elements ", begin[a], " to ", end[a], " of axis ", a, " are not in ", x.shape);
    wanted.push_back((end[a] - begin[a] - 1) / stride[a] + 1);
    first += begin[a] * strides[a], strides[a] *= stride[a];
  }
  expect_shape(op, "result", op.out(0), wanted);
  return strided(op, wanted, strides, first, lamina::dense_strides(wanted), 0);
}

Kernel reverse(const Op& op) {
  expect_counts(op, 1, 1);
  expect_same_type(op);
  const Value& x = op.in(0);
  expect_shape(op, "result", op.out(0), x.shape);
  const Shape dense = lamina::dense_strides(x.shape);
  Shape strides = dense;
  int64_t first = 0;
  for (int64_t axis : op.list("axes")) {
    const size_t a = expect_axis(op, axis, x.rank());
    if (strides[a] < 0) op.fail("axis ", axis, " is named twice");
    first += (x.shape[a] - 1) * dense[a], strides[a] = -dense[a];
  }
  return strided(op, x.shape, strides, first, dense, 0);
}

/// Position i of a line of n elements, mirrored at both ends without repeating them.
int64_t reflected(int64_t i, int64_t n) {
  if (n == 1) return 0;
  const int64_t period = 2 * (n - 1), r = ((i % period) + period) % period;
  return r < n ? r : period - r;
}

Kernel pad(const Op& op) {
  expect_counts(op, 1, 1);
  expect_same_type(op);
  const Value& x = op.in(0);
  const size_t rank = x.rank();
  const Shape low = expect_list(op, "low", rank, 0), high = expect_list(op, "high", rank, 0);
  const Shape interior = op.attributes.find("interior") ? expect_list(op, "interior", rank, 0) : Shape(rank, 0);
  const std::string mode = op.text("mode", "constant");
  Shape wanted;
  for (size_t a = 0; a < rank; ++a) wanted.push_back(low[a] + high[a] + x.shape[a] + (x.shape[a] - 1) * interior[a]);
  expect_shape(op, "result", op.out(0), wanted);
  const Shape in = lamina::dense_strides(x.shape), out = lamina::dense_strides(wanted);
  if (mode == "constant") {
    Shape strides = out;
    int64_t first = 0;
    for (size_t a = 0; a < rank; ++a) first += low[a] * out[a], strides[a] *= interior[a] + 1;
    std::array<std::byte, 8> element{};
    encode(x.dtype, op.real("value", 0.0), element.data());
    return [&op, element, inside = strided(op, x.shape, in, 0, strides, first), bytes = lamina::size_of(x.dtype)](const Memory& memory) {
      std::byte* to = memory.at<std::byte>(op.out(0));
      for (uint64_t i = 0, n = op.out(0).dense_bytes(); i < n; i += bytes) std::memcpy(to + i, element.data(), bytes);
      inside(memory);
    };
  }
  if (mode != "reflect" && mode != "edge") op.fail("its mode is '", mode, "'; wanted constant, reflect or edge");
  if (std::any_of(interior.begin(), interior.end(), [](int64_t v) { return v != 0; })) op.fail("'interior' goes with mode constant only");
  std::vector<Shape> source(std::max<size_t>(rank, 1), Shape(1, 0));  // per axis: offset of the element that position shows
  for (size_t a = 0; a < rank; ++a) {
    source[a].clear();
    for (int64_t i = -low[a]; i < x.shape[a] + high[a]; ++i)
      source[a].push_back(in[a] * (mode == "edge" ? std::clamp<int64_t>(i, 0, x.shape[a] - 1) : reflected(i, x.shape[a])));
  }
  return by_size(op, [&](auto zero) -> Kernel {
    using E = decltype(zero);
    return [&op, source](const Memory& memory) {
      const E* from = memory.at<const E>(op.in(0));
      E* to = memory.at<E>(op.out(0));
      std::vector<size_t> at(source.size(), 0);
      for (;;) {
        int64_t first = 0;
        for (size_t a = 0; a + 1 < source.size(); ++a) first += source[a][at[a]];
        for (int64_t offset : source.back()) *to++ = from[first + offset];
        size_t axis = source.size() - 1;
        while (axis > 0 && ++at[axis - 1] == source[axis - 1].size()) at[--axis] = 0;
        if (axis == 0) return;
      }
    };
  });
}

Kernel concat(const Op& op) {
  if (op.in_count() < 1 || op.out_count() != 1) op.fail("it takes one operand or more and gives one result");
  expect_same_type(op);
  const size_t axis = expect_axis(op, op.integer("axis"), op.out(0).rank());
  Shape wanted = op.in(0).shape;
  if (wanted.size() != op.out(0).rank()) op.fail("operand ", wanted, " cannot be part of ", op.out(0).shape);
  wanted[axis] = 0;
  for (uint32_t i = 0; i < op.in_count(); ++i) {
    Shape part = op.in(i).shape;
    if (part.size() != wanted.size()) op.fail("operand ", part, " cannot be part of ", op.out(0).shape);
    wanted[axis] += part[axis], part[axis] = op.out(0).shape[axis];
    if (part != op.out(0).shape) op.fail("operand ", op.in(i).shape, " cannot be part of ", op.out(0).shape);
  }
  expect_shape(op, "result", op.out(0), wanted);
  return [&op, axis](const Memory& memory) {
    const Along all(op.out(0).shape, axis);
    const size_t element = lamina::size_of(op.out(0).dtype), line = size_t(all.size * all.inner) * element;
    std::byte* to = memory.at<std::byte>(op.out(0));
    for (uint32_t i = 0; i < op.in_count(); ++i) {
      const std::byte* from = memory.at<std::byte>(op.in(i));
      const size_t part = size_t(op.in(i).shape[axis] * all.inner) * element;
      for (int64_t o = 0; o < all.outer; ++o) std::memcpy(to + size_t(o) * line, from + size_t(o) * part, part);
      to += part;
    }
  };
}

/// Parts that nobody reads are absent.
Kernel split(const Op& op) {
  expect_counts(op, 1, op.out_count());
  const Value& x = op.in(0);
  const size_t axis = expect_axis(op, op.integer("axis"), x.rank());
  const Shape sizes = expect_list(op, "sizes", op.out_count(), 1);
  int64_t left = x.shape[axis];
  for (uint32_t i = 0; i < op.out_count(); ++i) {
    left -= sizes[i];
    if (!op.has_out(i)) continue;
    Shape part = x.shape;
    part[axis] = sizes[i];
    expect_shape(op, "result", op.out(i), part);
    expect_dtype(op, "result", op.out(i), x.dtype);
  }
  if (left) op.fail("parts of ", sizes, " do not make up ", x.shape);
  return [&op, axis, sizes](const Memory& memory) {
    const Along all(op.in(0).shape, axis);
    const size_t element = lamina::size_of(op.in(0).dtype), line = size_t(all.size * all.inner) * element;
    const std::byte* from = memory.at<std::byte>(op.in(0));
    for (uint32_t i = 0; i < op.out_count(); ++i) {
      const size_t part = size_t(sizes[i] * all.inner) * element;
      for (int64_t o = 0; o < all.outer && op.has_out(i); ++o)
        std::memcpy(memory.at<std::byte>(op.out(i)) + size_t(o) * part, from + size_t(o) * line, part);
      from += part;
    }
  };
}

}  // namespace

std::vector<Entry> shape_ops() {
  return {{"reshape", copy},    {"copy", copy}, {"reorder", copy},  {"transpose", transpose}, {"slice", slice},
          {"reverse", reverse}, {"pad", pad},   {"concat", concat}, {"split", split}};
}

}  // namespace reference
