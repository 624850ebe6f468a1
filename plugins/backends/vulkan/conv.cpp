// conv and its gradients as products, see gemm.hpp. Activations are channels-last; weights stand as [tap, channel, filter], which all
// three passes read as they are.
#include <algorithm>

#include "conv.hpp"

namespace lamina::vulkan {

namespace {

/// The last entries on three axes.
Axes three(const Shape& list, size_t skip, int64_t filler) {
  Axes axes{filler, filler, filler};
  for (size_t i = skip; i < list.size(); ++i) axes[3 - list.size() + i] = list[i];
  return axes;
}

Conv read(const Op& op, const Value& x, const Value& w, const Value& y) {
  if (x.rank() < 3 || x.rank() > 5) op.fail("convolutions have one to three spatial axes, not ", int64_t(x.rank()) - 2);
  Conv c{x.size(0),
         x.size(1),
         y.size(1),
         op.integer("groups", 1),
         three(x.shape, 2, 1),
         three(y.shape, 2, 1),
         three(w.shape, 2, 1),
         three(op.list("stride"), 0, 1),
         three(op.list("padding_low"), 0, 0),
         three(op.list("dilation"), 0, 1)};
  for (size_t a = 0; a < 3; ++a)  // whatever kernels compute of positions
    if (std::max((c.out[a] - 1) * c.stride[a] + (c.kernel[a] - 1) * c.dilation[a], c.in[a] + c.low[a]) > INT32_MAX)
      op.fail("its padded input is more than ", INT32_MAX, " wide, which this backend's index arithmetic does not hold");
  // An axis without extent stands outside the others: the last one is that of the inner loops.
  for (size_t a = 2; a > 0; --a)
    for (size_t b = a; b < 3; ++b)
      if (c.in[b] == 1 && c.out[b] == 1 && c.kernel[b] == 1 && c.low[b] == 0)
        for (Axes* list : {&c.in, &c.out, &c.kernel, &c.stride, &c.low, &c.dilation}) std::swap((*list)[b], (*list)[b - 1]);
  if (c.out == Axes{1, 1, 1} && c.in == c.kernel && c.low == Axes{0, 0, 0} && c.dilation == Axes{1, 1, 1} && c.groups == 1) {
    c.channels *= volume(c.in);  // the kernel covers all of the input: its taps are channels
    c.in = c.kernel = {1, 1, 1};
  }
  bool strided = false;  // with padding behind the input, its positions and the output's can be as many and not the same
  for (size_t a = 0; a < 3; ++a) strided = strided || (c.stride[a] > 1 && c.in[a] > 1);
  if (c.kernel == Axes{1, 1, 1} && c.in == c.out && c.low == Axes{0, 0, 0} && !strided) {  // a product: all positions in one row
    c.in = c.out = {1, 1, c.images * volume(c.in)};
    c.images = 1, c.stride = c.dilation = {1, 1, 1};
  }
  return c;
}

std::vector<Gemm::Tap> taps_of(const Conv& c) {
  std::vector<Gemm::Tap> taps;
  for (int64_t d = 0; d < c.kernel[0]; ++d)
    for (int64_t h = 0; h < c.kernel[1]; ++h)
      for (int64_t w = 0; w < c.kernel[2]; ++w)
        taps.push_back({{d * c.dilation[0] - c.low[0], h * c.dilation[1] - c.low[1], w * c.dilation[2] - c.low[2]}, int64_t(taps.size())});
  return taps;
}

/// Positions of one axis of the input that are `first` modulo the stride, and the taps that reach them: output position i + at, by weight
/// `number`, for the i-th of them.
struct Residue {
  struct Reach {
    int64_t at, number;
  };
  int64_t first;
  std::vector<Reach> taps;
};
std::vector<Residue> residues(const Conv& c, size_t axis) {
  const int64_t stride = c.stride[axis];
  std::map<int64_t, Residue> found;
  for (int64_t k = 0; k < c.kernel[axis]; ++k) {
    const int64_t shift = k * c.dilation[axis] - c.low[axis];  // input = output · stride + shift
    const int64_t first = (shift % stride + stride) % stride;
    if (first >= c.in[axis]) continue;
    Residue& r = found[first];
    r.first = first;
    r.taps.push_back({(first - shift) / stride, k});
  }
  std::vector<Residue> list;
  for (auto& [first, r] : found) list.push_back(std::move(r));
  return list;
}

/// The classes of input positions by the taps that reach them. `all`: every position is in one.
std::vector<Gemm::Part> parts_of(const Conv& c, bool& all) {
  const std::array<std::vector<Residue>, 3> axes{residues(c, 0), residues(c, 1), residues(c, 2)};
  all = true;
  for (size_t a = 0; a < 3; ++a) all = all && int64_t(axes[a].size()) == std::min(c.stride[a], c.in[a]);
  const auto count = [&](size_t a, const Residue& r) { return (c.in[a] - r.first + c.stride[a] - 1) / c.stride[a]; };
  std::vector<Gemm::Part> parts;
  for (const auto& d : axes[0])
    for (const auto& h : axes[1])
      for (const auto& w : axes[2]) {
        Gemm::Part part{{count(0, d), count(1, h), count(2, w)}, {d.first, h.first, w.first}, {}};
        for (const auto& td : d.taps)
          for (const auto& th : h.taps)
            for (const auto& tw : w.taps)
              part.taps.push_back({{td.at, th.at, tw.at}, (td.number * c.kernel[1] + th.number) * c.kernel[2] + tw.number});
        parts.push_back(std::move(part));
      }
  return parts;
}

/// [images, positions, channels] by groups, as A or, in the weights' gradient, B.
Packed pack_image(Lowering& l, const Op& op, Stored from, const Conv& c, const Axes& size, int64_t channels) {
  return pack(l, op, from, c.images * volume(size) * c.groups, channels / c.groups);
}
/// The input of c. Where a pixel has few channels, padding each to a vec4 wastes most of the work: then the taps of the last axis become
/// channels, of which the windows' copies need less padding, and c is changed to that convolution.
Packed pack_input(Lowering& l, const Op& op, Stored from, Conv& c) {
  const auto padded = [](int64_t n) { return (n + 3) / 4 * 4; };
  const int64_t taps = c.kernel[2], channels = taps * c.channels;
  if (c.groups > 1 || taps == 1 || 4 * padded(channels) > 3 * taps * padded(c.channels))
    return pack_image(l, op, from, c, c.in, c.channels);
  const Windows windows{c.out[2], c.channels, c.in[2], c.stride[2], c.low[2], c.dilation[2]};
  c.channels = channels, c.in[2] = c.out[2];
  c.kernel[2] = c.stride[2] = c.dilation[2] = 1, c.low[2] = 0;
  return pack(l, op, from, c.images * volume(c.in), channels, &windows);
}
Packed pack_weights(Lowering& l, const Op& op, Stored from, const Conv& c) {
  return pack(l, op, from, volume(c.kernel) * c.group_channels() * c.groups, c.group_filters());
}
void read_image(Gemm& g, const Packed& a, const Conv& c, const Axes& size, int64_t channels) {
  g.images = c.images, g.image = size, g.channels = channels / c.groups;
  g.a_pixel = c.groups * a.vectors, g.a_batch = a.vectors;
}
void read_weights(Gemm& g, const Packed& b, const Conv& c) {
  g.b_batch = b.vectors, g.b_row = c.groups * b.vectors, g.b_outer = c.group_channels() * g.b_row;
}

void forward(Lowering& l, const Op& op, Conv c, Stored px, Stored pw, Stored py) {
  const Packed x = pack_input(l, op, px, c), w = pack_weights(l, op, pw, c);
  Gemm g;
  g.batches = c.groups, g.step = c.stride;
  g.parts = {{c.out, {0, 0, 0}, taps_of(c)}};
  read_image(g, x, c, c.in, c.channels);
  read_weights(g, w, c);
  g.n = c.group_filters(), g.c_row = c.filters, g.c_batch = g.n, g.result = c.out;
  add_gemm(l, op, g, x, w, py, c.images * volume(c.out) * c.filters);
}

void backward_data(Lowering& l, const Op& op, const Conv& c, Stored px, Stored pw, Stored py) {
  const Packed y = pack_image(l, op, py, c, c.out, c.filters), w = pack_weights(l, op, pw, c);
  const int64_t count = c.images * volume(c.in) * c.channels;
  bool all = true;
  Gemm g;
  g.b_along_k = true, g.batches = c.groups;
  g.parts = parts_of(c, all);
  if (!all) l.add_fill(px.range(count));
  if (g.parts.empty()) return;
  read_image(g, y, c, c.out, c.filters);
  read_weights(g, w, c);
  g.n = c.group_channels(), g.c_row = c.channels, g.c_batch = g.n, g.result = c.in, g.result_step = c.stride;
  add_gemm(l, op, g, y, w, px, count);
}

void backward_weights(Lowering& l, const Op& op, Conv c, Stored px, Stored pw, Stored py) {
  const Packed x = pack_input(l, op, px, c), y = pack_image(l, op, py, c, c.out, c.filters);
  Gemm g;
  g.a_along_k = false, g.batches = c.groups, g.step = c.stride;
  g.parts = {{c.out, {0, 0, 0}, taps_of(c)}};
  read_image(g, x, c, c.in, c.channels);
  g.b_batch = y.vectors, g.b_row = c.groups * y.vectors, g.b_outer = c.out[2] * g.b_row;
  g.n = c.group_filters(), g.c_row = c.filters, g.c_batch = g.n;
  add_gemm(l, op, g, x, y, pw, volume(c.kernel) * c.group_channels() * c.filters);
}

/// [kernel…, channels, filters].
uint64_t weights_token(const Shape& shape) {
  std::vector<int> order;
  for (size_t a = 2; a < shape.size(); ++a) order.push_back(int(a));
  order.push_back(1), order.push_back(0);
  return token_of_order(shape, order);
}

}  // namespace

void lower_conv(Lowering& l, const Op& op) {
  const bool is_forward = op.name == "conv", is_data = op.name == "conv_backward_data";
  const Value& x = is_data ? op.out(0) : op.in(0);
  const Value& w = is_forward || is_data ? op.in(1) : op.out(0);
  const Value& y = is_forward ? op.out(0) : is_data ? op.in(0) : op.in(1);
  for (const Value* v : {&x, &w, &y}) expect_float32(op, *v);
  const Conv c = read(op, x, w, y);
  const auto token = [&](const Value& v) { return &v == &w ? weights_token(v.shape) : default_token(v.shape); };
  if (!l.decided(w)) l.decide(w, token(w));
  const auto operand = [&](size_t i) { return Stored{l.operand(op, i, token(op.in(i))), l.stored(op.in(i))}; };
  const Stored first = operand(0), second = operand(1), result{l.result(op, 0, token(op.out(0))), l.stored(op.out(0))};
  if (is_direct(c)) {
    const ConvPass pass = is_forward ? ConvPass::forward : is_data ? ConvPass::backward_data : ConvPass::backward_weights;
    return add_direct_conv(l, op, pass, c, first, second, result);
  }
  if (is_forward) return forward(l, op, c, first, second, result);
  if (is_data) return backward_data(l, op, c, result, second, first);
  backward_weights(l, op, c, first, result, second);
}

}  // namespace lamina::vulkan
