// Pools over channels-last data, one to three spatial axes, and their gradients.
#include "pool.hpp"

#include <algorithm>

#include "items.hpp"

namespace lamina::vulkan {

namespace {

/// The push constants of shaders/pool.glsl behind `count`, with vectors of `width` channels; items are positions of `side`.
Words pool_words(const Op& op, const Shape& side, const Shape& other, uint32_t width) {
  const size_t spatial = side.size() - 2;
  if (side.size() < 3 || spatial > 3) op.fail("pools have one to three spatial axes, not ", int64_t(side.size()) - 2);
  const Shape size = op.list("size"), stride = op.list("stride"), low = op.list("padding_low");
  for (size_t a = 0; a < spatial; ++a)
    if (std::max(side[2 + a], other[2 + a]) + 2 * size[a] > INT32_MAX) op.fail("a window of ", size[a], " is more than kernels count");
  const auto each = [&](auto f) {  // innermost first
    for (size_t i = 0; i < 3; ++i) f(i < spatial, spatial - 1 - i);
  };
  Words w = {op.boolean("count_padding", false)};
  append_divisor(w, uint64_t(side[1]) / width);
  each([&](bool there, size_t a) { append_divisor(w, there ? uint64_t(side[2 + a]) : 1); });
  each([&](bool there, size_t a) { w.push_back(there ? uint32_t(other[2 + a]) : 1); });
  each([&](bool there, size_t a) { w.push_back(there ? uint32_t(size[a]) : 1); });
  each([&](bool there, size_t a) { append_divisor(w, there ? uint64_t(stride[a]) : 1); });
  each([&](bool there, size_t a) { w.push_back(there ? uint32_t(low[a]) : 0); });
  return w;
}

uint64_t volume(const Shape& x) { return uint64_t(element_count(x) / (x[0] * x[1])); }

/// Which tensors are narrow, for shaders/pool.glsl. Their channels are a multiple of 4.
std::string define_tensors(const Lowering& l, const Value& from, const Value* to) {
  const auto narrow = [&](const Value& v) { return l.stored(v) != v.dtype; };
  const std::string text = (narrow(from) ? define("FROM_NARROW", 1) : "") + (to && narrow(*to) ? define("TO_NARROW", 1) : "");
  return text.empty() ? text : define_storage(l.limits.storage) + text;
}

/// The gradient of `pool` in `bindings`, the last of which is dx of shape `x`. Windows that overlap are gathered from.
void add_backward(Lowering& l, const Op& op, const Op& pool, std::string definitions, std::vector<Range> bindings, const Shape& x,
                  const Shape& y) {
  const uint32_t width = width_of(uint64_t(x[1]));
  const Shape size = pool.list("size"), stride = pool.list("stride"), low = pool.list("padding_low");
  bool apart = true, covered = true;
  for (size_t a = 0; a + 2 < x.size() && a < size.size(); ++a) {
    apart = apart && size[a] <= stride[a];
    covered = covered && size[a] == stride[a] && y[a + 2] * stride[a] - low[a] >= x[a + 2];
  }
  if (apart && !covered) l.add_fill(bindings.back());
  const Shape &side = apart ? y : x, &other = apart ? x : y;
  definitions += define("RESULT", bindings.size() - 1);
  add_items(l, op, {apart ? "pool_spread.comp" : "pool_gather.comp", std::move(definitions)}, std::move(bindings),
            uint64_t(element_count(side)) / width, pool_words(pool, side, other, width));
}

}  // namespace

const Op* pool_of(const Planning& p, const Value& positions, const Shape& full) {
  const Op* maker = p.maker(positions);
  while (maker && maker->name == "copy") maker = p.maker(maker->in(0));
  return maker && maker->name == "max_pool" && maker->in(0).shape == full ? maker : nullptr;
}

void lower_pool(Lowering& l, const Op& op) {
  const auto read = [&](size_t i) { return l.range(l.operand(op, i, default_token(op.in(i).shape)), op.in(i)); };
  const auto write = [&](size_t i) { return l.range(l.result(op, i, default_token(op.out(i).shape)), op.out(i)); };
  expect_float32(op, op.in(0));
  const Shape& x = op.in(0).shape;
  const uint32_t width = width_of(uint64_t(x[1]));
  const Value* real = op.name == "max_pool" && !op.has_out(0) ? nullptr : &op.out(0);
  std::string definitions = define("WIDTH", width) + define_tensors(l, op.in(0), real);

  if (op.name == "max_pool" || op.name == "average_pool") {
    std::vector<Range> bindings = {read(0)};
    const Value& y = op.out(op.has_out(0) ? 0 : 1);
    if (op.name == "average_pool") definitions += define("AVERAGE", 1);
    if (op.has_out(0)) bindings.push_back(write(0)), definitions += define("RESULT", 1);
    if (op.has_out(1)) definitions += define("POSITIONS", bindings.size()), bindings.push_back(write(1));
    return add_items(l, op, {"pool.comp", definitions}, std::move(bindings), uint64_t(y.count()) / width,
                     pool_words(op, y.shape, x, width));
  }
  if (op.name == "average_pool_backward") return add_backward(l, op, op, definitions, {read(0), write(0)}, op.out(0).shape, x);
  const bool take = op.name == "max_take";
  const Range first = read(0), positions = read(1), result = write(0);
  const Value &full = take ? op.in(0) : op.out(0), &pooled = op.in(1);
  expect_elements(op, full), expect_elements(op, pooled);
  if (full.rank() < 3) op.fail("it needs at least one spatial axis");
  if (const Op* pool = take ? nullptr : pool_of(l, pooled, full.shape))
    return add_backward(l, op, *pool, definitions + define("POSITIONS", 1), {first, positions, result}, full.shape, pooled.shape);
  expect_words(l, op);
  Words words;
  append_divisor(words, uint64_t(x[1])), append_divisor(words, volume(pooled.shape));
  words.push_back(uint32_t(volume(full.shape)));
  if (!take) l.add_fill(result);
  const uint64_t columns = uint64_t(full.size(0)) * uint64_t(full.size(1));
  add_items(l, op, {"unpool.comp", take ? define("TAKE", 1) : ""}, {take ? first : result, positions, take ? result : first},
            take ? uint64_t(pooled.count()) : columns, words);
}

}  // namespace lamina::vulkan
