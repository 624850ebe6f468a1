// argmax, gather, scatter_add.
#include "items.hpp"

namespace lamina::vulkan {

namespace {

/// The layout of v, in which the index axes stand, in row-major order, where the indexed axis stands in the default layout of `full`: so v
/// is [outer, indices, inner] where full is [outer, length, inner].
uint64_t indexed_token(const Value& full, const Value& v, size_t axis, size_t index_rank) {
  std::vector<int> order;
  for (int a : default_order(full.rank())) {
    if (size_t(a) == axis)
      for (size_t k = 0; k < index_rank; ++k) order.push_back(int(axis + k));
    else
      order.push_back(size_t(a) < axis ? a : a + int(index_rank) - 1);
  }
  return token_of_order(v.shape, order);
}

void lower_argmax(Lowering& l, const Op& op) {
  const Value &x = op.in(0), &y = op.out(0);
  expect_float32(op, x);
  const Along rows(x.shape, size_t(op.integer("axis")));
  Words words;
  append_divisor(words, rows.inner), words.push_back(uint32_t(rows.length));
  const Range from = l.range(l.operand(op, 0, default_token(x.shape)), x), to = l.range(l.result(op, 0, default_token(y.shape)), y);
  add_items(l, op, {"argmax.comp"}, {from, to}, rows.outer * rows.inner, words);
}

void lower_gather(Lowering& l, const Op& op) {
  const Value &x = op.in(0), &indices = op.in(1), &y = op.out(0);
  const size_t axis = size_t(op.integer("axis"));
  const Along rows(x.shape, axis);
  const bool bytes = is_bytes(x.dtype) && rows.inner % 4;
  const uint64_t inner = is_bytes(x.dtype) && !bytes ? rows.inner / 4 : rows.inner;  // in words, or bytes
  const uint32_t width = bytes ? 1 : width_of(inner);
  const Range from = l.range(l.operand(op, 0, default_token(x.shape)), x), at = l.range(l.operand(op, 1, 0), indices),
              to = l.range(l.result(op, 0, indexed_token(x, y, axis, indices.rank())), y);
  Words words = {uint32_t(y.count())};
  append_divisor(words, inner / width), append_divisor(words, uint64_t(indices.count()));
  words.push_back(uint32_t(rows.length));
  add_items(l, op, {"gather.comp", define("WIDTH", width) + (bytes ? define("BYTES", 1) : "")}, {from, at, to}, to.bytes / (4 * width),
            words);
}

void lower_scatter(Lowering& l, const Op& op) {
  const Value &v = op.in(0), &indices = op.in(1), &y = op.out(0);
  if (is_bytes(v.dtype)) op.fail("it does not add elements of type ", name_of(v.dtype), "; wanted float32, int32 or uint32");
  const size_t axis = size_t(op.integer("axis"));
  const Along rows(y.shape, axis);
  const uint32_t width = width_of(rows.inner);
  const Range from = l.range(l.operand(op, 0, indexed_token(y, v, axis, indices.rank())), v), at = l.range(l.operand(op, 1, 0), indices),
              to = l.range(l.result(op, 0, default_token(y.shape)), y);
  // Walking all indices costs least, unless there are too few columns to fill a GPU and looking is not much work.
  const uint64_t columns = rows.outer * rows.inner / width, elements = uint64_t(y.count()) / width;
  const bool walk = l.limits.lanes || columns >= 4096 || elements * uint64_t(indices.count()) >= uint64_t(1) << 28;
  if (walk) l.add_fill(to);
  Words words;
  append_divisor(words, rows.inner / width), append_divisor(words, rows.length);
  words.push_back(uint32_t(indices.count()));
  add_items(l, op,
            {"scatter_add.comp", define("WIDTH", width) + (v.dtype == DType::float32 ? "#define TYPE Real\n" : "#define TYPE Word\n") +
                                     (walk ? define("COLUMNS", 1) : "")},
            {from, at, to}, walk ? columns : elements, words);
}

}  // namespace

void lower_index(Lowering& l, const Op& op) {
  expect_words(l, op);
  if (op.name == "argmax") return lower_argmax(l, op);
  if (op.name == "gather") return lower_gather(l, op);
  lower_scatter(l, op);
}

}  // namespace lamina::vulkan
