// From products to dispatches: how the sum is cut, which kernel, its numbers.
#include "gemm.hpp"

#include <algorithm>

namespace lamina::vulkan {

namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// How the terms of k are summed. By shape and kind of kernel only, so the bits are too.
struct Order {
  int64_t outer, inner;          ///< extents of k; inner in elements
  int64_t seg_outer, seg_inner;  ///< a segment: summed by itself, which keeps long sums accurate
  int64_t segments, splits;      ///< segments of a split
};
/// The kernels for CPUs pass values around in subgroups of four at least.
bool uses_lanes(const Lowering& l) { return l.limits.lanes && l.limits.subgroup >= 4; }

int64_t outer_of(const Gemm& g, const Gemm::Part& part) {
  return g.a_along_k ? int64_t(part.taps.size()) : g.images * part.grid[0] * part.grid[1];
}
int64_t rows_of(const Gemm& g, const Gemm::Part& part) {
  return g.a_along_k ? g.images * volume(part.grid) : int64_t(part.taps.size()) * ceil_div(g.channels, 4) * 4;
}

Order order_of(const Lowering& l, const Gemm& g, int64_t count) {
  Order o{};
  o.inner = g.a_along_k ? g.channels : g.parts[0].grid[2];
  int64_t tiles = 0;
  for (const auto& part : g.parts) {
    o.outer = std::max(o.outer, outer_of(g, part));
    tiles += ceil_div(rows_of(g, part), 64) * ceil_div(g.n, 64) * g.batches;
  }
  // A long sum is split where there are few tiles, as long as its parts stay long and their results small. On a CPU the rows of A and B
  // that all tiles of a split read should also stay in its cache. Segments cost more in tiled kernels.
  const bool lanes = uses_lanes(l);
  const int64_t vectors = ceil_div(o.inner, 4), terms = o.outer * vectors, longest = lanes ? 64 : 512, shortest = lanes ? 128 : 32;
  int64_t wanted = (lanes ? 32 : g.a_along_k ? 256 : 512) / tiles, room = (int64_t(1) << (lanes ? 20 : 24)) / count;
  if (lanes && !g.a_along_k) wanted = std::max(wanted, terms * (g.channels + g.n) * 16 / (int64_t(1) << 19));
  o.splits = std::clamp<int64_t>(std::min({wanted, terms / shortest, room}), 1, 128);
  const int64_t segment = std::min(longest, ceil_div(terms, o.splits)), inner_segments = ceil_div(vectors, segment);
  o.seg_inner = ceil_div(vectors, inner_segments);
  o.seg_outer = std::max<int64_t>(1, segment / vectors);
  const int64_t all = ceil_div(o.outer, o.seg_outer) * inner_segments;
  o.segments = ceil_div(all, o.splits);
  o.splits = ceil_div(all, o.segments);
  return o;
}

struct Words32 {
  const Op& op;
  Words words;
  void add(int64_t v) {
    if (v < INT32_MIN || v > INT32_MAX) op.fail("its index arithmetic needs the number ", v, ", more than 32 bits hold");
    words.push_back(uint32_t(int32_t(v)));
  }
  void add(const Axes& a) {
    for (int64_t v : a) add(v);
  }
};

Range table_of(Lowering& l, const Op& op, const Gemm& g) {
  Words32 t{op, {}};
  int64_t tap = int64_t(g.parts.size()) * 6;
  for (const auto& part : g.parts) {
    t.add(part.grid), t.add(rows_of(g, part));
    t.add(part.first), t.add(tap);
    t.add(g.result_step), t.add(0);
    t.add(g.result), t.add(outer_of(g, part));
    Words divisors;
    for (int64_t by : {part.grid[0], part.grid[1], part.grid[2], ceil_div(g.channels, 4)}) append_divisor(divisors, uint64_t(by));
    for (size_t word : {1, 2})
      for (size_t i = 0; i < 4; ++i) t.words.push_back(divisors[3 * i + word]);
    tap += int64_t(part.taps.size());
  }
  for (const auto& part : g.parts)
    for (const auto& k : part.taps) t.add(k.at), t.add(k.number);
  return l.table(t.words);
}

/// A tile of C: what one workgroup computes.
struct Tile {
  int64_t m, n;
};

Dispatch with_tile(const Lowering& l, const Op& op, const Gemm& g, const Order& o, int64_t count, Tile tile) {
  int64_t m = 0;
  for (const auto& part : g.parts) m = std::max(m, rows_of(g, part));
  const int64_t tiles_n = ceil_div(g.n, tile.n), tiles_m = ceil_div(m, tile.m), parts = int64_t(g.parts.size());
  Words32 p{op, {}};
  for (int64_t v : {tiles_n, tiles_m, parts, o.splits, g.batches, g.n, o.inner, o.seg_outer, o.seg_inner, o.segments}) p.add(v);
  p.add(g.image), p.add(g.a_pixel), p.add(g.a_batch);
  p.add(g.step), p.add(g.channels), p.add(ceil_div(g.channels, 4));
  for (int64_t v : {g.b_outer, g.b_row, g.b_batch, g.c_row, g.c_batch, count}) p.add(v);
  Words divisor;
  append_divisor(divisor, uint64_t(o.seg_inner));
  p.words.insert(p.words.end(), divisor.begin() + 1, divisor.end());
  Dispatch d;
  d.push = std::move(p.words);
  const double groups = double(tiles_n) * double(tiles_m) * double(parts) * double(o.splits) * double(g.batches);
  if (groups > INT32_MAX) op.fail("it needs ", groups, " workgroups, more than kernels count");
  d.groups = l.spread(uint64_t(groups));
  return d;
}

/// Multiplications below which one tile is as good as another: a pipeline more costs more than it brings.
constexpr double small_product = 1 << 19;
double work_of(const Gemm& g, const Order& o) {
  double rows = 0;
  for (const auto& part : g.parts) rows += double(rows_of(g, part));
  return rows * double(g.n) * double(o.outer) * double(o.inner) * double(g.batches);
}

/// Elements of C that the tiles compute, useful or not.
double area(const Gemm& g, Tile tile) {
  double sum = 0;
  for (const auto& part : g.parts) sum += double(ceil_div(rows_of(g, part), tile.m) * tile.m) * double(ceil_div(g.n, tile.n) * tile.n);
  return sum;
}

std::vector<Dispatch> lanes_kernels(const Lowering& l, const Op& op, const Gemm& g, const Order& o, int64_t count,
                                    const std::string& definitions) {
  const int64_t lanes = l.limits.subgroup >= 8 ? 8 : 4;
  // Reads per term of k, which cost most: 16 / along_n of A and along_n of B.
  struct Choice {
    int64_t along_n;
    double cost;
  };
  Choice best{};
  Tile tile{};
  for (int64_t along_n : {4, 2, 8, 1}) {
    if (along_n > lanes || (best.along_n && work_of(g, o) < small_product)) continue;
    const Tile t{16 * (lanes / along_n), 8 * along_n};
    const double cost = area(g, t) * double(14 + 16 / along_n + 8 * along_n / lanes);
    if (!best.along_n || cost < best.cost) best = {along_n, cost}, tile = t;
  }
  Dispatch d = with_tile(l, op, g, o, count, tile);
  d.shader = {"gemm_lanes.comp", definitions + define("LANES", uint64_t(lanes)) + define("LANES_N", uint64_t(best.along_n))};
  std::vector<Dispatch> only;
  only.push_back(std::move(d));
  return only;
}

std::vector<Dispatch> tiled_kernels(const Lowering& l, const Op& op, const Gemm& g, const Order& o, int64_t count,
                                    const std::string& definitions) {
  struct Choice {
    Tile tile;
    int64_t depth, rows, columns;  ///< of the tile along k; of an invocation
    double speed;                  ///< of a workgroup, an estimate
    double cost = 0;
  };
  std::vector<Choice> choices = {{{128, 128}, 16, 8, 8, 1.0}, {{128, 64}, 16, 8, 4, 0.85}, {{64, 64}, 16, 4, 4, 0.7},
                                 {{64, 64}, 16, 8, 4, 0.7},   {{64, 32}, 32, 4, 4, 0.55},  {{32, 32}, 16, 4, 4, 0.4},
                                 {{256, 32}, 16, 8, 4, 0.7},  {{128, 32}, 16, 8, 4, 0.6},  {{256, 16}, 16, 8, 4, 0.5},
                                 {{128, 16}, 16, 8, 4, 0.45}};
  const auto threads = [](const Choice& c) { return uint64_t(c.tile.m / c.rows * c.tile.n / c.columns); };
  std::erase_if(choices, [&](const Choice& c) {
    return threads(c) > l.limits.invocations || uint64_t(c.depth * (c.tile.m + c.tile.n + 8) * 4) > l.limits.shared_bytes;
  });
  if (choices.empty()) op.fail("this device allows too few invocations or too little shared memory in a workgroup");
  // The time of one workgroup, times how often the device is filled with two on each processor.
  for (Choice& c : choices) {
    const double work = double(c.tile.m * c.tile.n), groups = area(g, c.tile) / work * double(g.batches * o.splits);
    c.cost = work / c.speed * std::max(1.0, groups / (2.0 * l.limits.processors));
  }
  std::stable_sort(choices.begin(), choices.end(), [](const Choice& a, const Choice& b) { return a.cost < b.cost; });
  choices.resize(std::min<size_t>(choices.size(), work_of(g, o) < small_product ? 1 : 4));
  std::vector<Dispatch> list;
  for (const Choice& c : choices) {
    Dispatch d = with_tile(l, op, g, o, count, c.tile);
    d.shader = {"gemm_tiled.comp", definitions};
    for (int64_t v : {int64_t(threads(c)), c.tile.m, c.tile.n, c.depth, c.rows, c.columns}) d.constants.push_back(uint32_t(v));
    list.push_back(std::move(d));
  }
  return list;
}

}  // namespace

std::string define_narrow(const char* name, const Stored& s) {
  return s.narrow() ? describe("#define ", name, "\n") + define_storage(s.type) : "";
}

Packed pack(Lowering& l, const Op& op, Stored from, int64_t rows, int64_t length, const Windows* windows) {
  const int64_t vectors = ceil_div(length, 4);
  if (length % 4 == 0 && !windows) return {from, vectors, rows * length};
  const Packed p{{l.scratch(uint64_t(rows) * uint64_t(vectors) * 16)}, vectors, rows * vectors * 4};
  int64_t read = rows * length, whole = length;
  Words words;
  append_divisor(words, uint64_t(vectors)), words.push_back(uint32_t(length));
  std::string definitions = define_narrow("FROM_NARROW", from);
  if (windows) {
    whole = windows->channels, read = rows / windows->positions * windows->width * whole;
    definitions += "#define WINDOWS\n";
    append_divisor(words, uint64_t(windows->positions)), append_divisor(words, uint64_t(whole));
    for (int64_t v : {windows->width, windows->stride, windows->low, windows->dilation}) words.push_back(uint32_t(v));
  }
  definitions += define("WIDTH", from.narrow() ? 1 : std::min(2u, width_of(uint64_t(whole))));
  add_items(l, op, {"gemm_pack.comp", definitions}, {from.range(read), p.at.range(p.count)}, uint64_t(rows) * uint64_t(vectors), words);
  return p;
}

void add_combine(Lowering& l, const Op& op, Place from, int64_t splits, Stored to, int64_t count) {
  const uint32_t width = width_of(uint64_t(count));
  if (to.narrow() && width < 4) op.fail("a result stored in 16 bits has ", count, " elements, no multiple of 4");
  add_items(l, op, {"gemm_combine.comp", define("WIDTH", width) + define_narrow("TO_NARROW", to)},
            {Stored{from}.range(splits * count), to.range(count)}, uint64_t(count) / width, {uint32_t(splits)});
}

void add_gemm(Lowering& l, const Op& op, const Gemm& g, const Packed& a, const Packed& b, Stored c, int64_t count) {
  const Order o = order_of(l, g, count);
  const bool vectors = g.n % 4 == 0 && g.c_row % 4 == 0 && g.c_batch % 4 == 0 && count % 4 == 0;
  // What is summed in several steps, or not written in vectors, is float32 first.
  const bool apart = o.splits > 1 || (c.narrow() && (o.segments > 1 || !vectors));
  const Stored to = apart ? Stored{l.scratch(uint64_t(o.splits * count) * 4)} : c;
  if (!l.compiling()) return;
  std::string definitions = define_narrow("A_NARROW", a.at) + define_narrow("B_NARROW", b.at) + define_narrow("C_NARROW", to);
  if (g.a_along_k) definitions += "#define A_ALONG_K\n";
  if (g.b_along_k) definitions += "#define B_ALONG_K\n";
  if (vectors) definitions += "#define C_VECTORS\n";
  const Range table = table_of(l, op, g);
  std::vector<Dispatch> alternatives = (uses_lanes(l) ? lanes_kernels : tiled_kernels)(l, op, g, o, count, definitions);
  for (Dispatch& d : alternatives) d.bindings = {a.at.range(a.count), b.at.range(b.count), to.range(o.splits * count), table};
  l.add_best(std::move(alternatives));
  if (apart) add_combine(l, op, to.place, o.splits, c, count);
}

}  // namespace lamina::vulkan
