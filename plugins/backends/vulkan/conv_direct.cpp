// Depthwise convolutions and others of small groups, without products; see shaders/conv_direct.comp.
#include <algorithm>

#include "conv.hpp"

namespace lamina::vulkan {

void add_direct_conv(Lowering& l, const Op& op, ConvPass pass, const Conv& c, Stored first, Stored second, Stored result) {
  const bool data = pass == ConvPass::backward_data, weights = pass == ConvPass::backward_weights;
  const int64_t in = c.images * volume(c.in) * c.channels, out = c.images * volume(c.out) * c.filters;
  const int64_t kernel = volume(c.kernel) * c.group_channels() * c.filters;
  const uint32_t width = c.group_channels() == 1 && c.group_filters() == 1 ? width_of(uint64_t(c.filters)) : 1;
  // The weights' gradient: few elements, long sums. They are split so that the device has something to do, whole lines each.
  const int64_t lines = c.images * c.out[0] * c.out[1],
                wanted = (l.limits.lanes ? 1 << 12 : 1 << 17) / std::max<int64_t>(kernel / width, 1);
  const int64_t split_lines = weights ? (lines - 1) / std::clamp<int64_t>(wanted, 1, std::min<int64_t>(lines, 256)) + 1 : lines;
  const int64_t splits = (lines - 1) / split_lines + 1;
  const int64_t count = weights ? kernel * splits : data ? in : out;
  const bool apart = splits > 1 || result.narrow();
  const Stored to = apart ? Stored{l.scratch(uint64_t(count) * 4)} : result;

  const Axes& grid = data ? c.in : c.out;
  Words words;
  append_divisor(words, uint64_t(data ? c.channels : c.filters) / width);
  for (size_t a : {2, 1, 0}) append_divisor(words, uint64_t(grid[a]));
  for (const Axes& axes : {data ? c.out : c.in, c.kernel, c.stride, c.low, c.dilation})
    for (int64_t v : axes) words.push_back(uint32_t(v));
  for (int64_t v : {c.group_channels(), c.group_filters(), lines, split_lines}) words.push_back(uint32_t(v));
  const std::string definitions = (data      ? "#define DATA\n"
                                   : weights ? "#define WEIGHTS\n"
                                             : "#define FORWARD\n") +
                                  define("WIDTH", width) + define_narrow("A_NARROW", first) + define_narrow("B_NARROW", second);
  add_items(l, op, {"conv_direct.comp", definitions}, {first.range(data ? out : in), second.range(weights ? out : kernel), to.range(count)},
            uint64_t(count / width), words);
  if (apart) add_combine(l, op, to.place, splits, result, count / splits);
}

}  // namespace lamina::vulkan
