// softmax, log_softmax, softmax_cross_entropy and its gradient: one dispatch each.
#include <bit>

#include "items.hpp"

namespace lamina::vulkan {

void lower_softmax(Lowering& l, const Op& op) {
  const Value &x = op.in(0), &y = op.out(0);
  expect_float32(op, x), expect_words(l, op);
  const bool cross_entropy = op.in_count() > 1;
  const Along rows(x.shape, cross_entropy ? 1 : size_t(op.integer("axis")));
  const uint64_t count = rows.outer * rows.inner;
  // Labels, loss and its gradient have an element per row, which is their row-major order; y is of x's shape.
  std::vector<Range> bindings;
  for (size_t i = 0; i < op.in_count(); ++i) bindings.push_back(l.range(l.operand(op, i, i == 0 ? default_token(x.shape) : 0), op.in(i)));
  bindings.push_back(l.range(l.result(op, 0, y.shape == x.shape ? default_token(x.shape) : 0), y));
  Words words;
  append_divisor(words, rows.inner), words.push_back(uint32_t(rows.length));
  const uint64_t kind = op.name == "softmax" ? 0 : op.name == "log_softmax" ? 1 : op.in_count();
  Shader shader{"softmax.comp", define("KIND", kind)};
  if (l.limits.lanes || rows.inner > 1 || rows.length < 32) return add_items(l, op, std::move(shader), std::move(bindings), count, words);
  const auto size = uint32_t(std::bit_floor(std::min<uint64_t>({rows.length, 256, l.limits.invocations})));
  shader.definitions += define("GROUP", 1);
  words.insert(words.begin(), uint32_t(count));
  l.add({std::move(shader), std::move(bindings), {size}, words, l.spread(count)});
}

}  // namespace lamina::vulkan
