// Ops of the backend cpu but maps, held to the reference on odd shapes.
#include "cpu_check.hpp"

using namespace bench;

namespace {

constexpr DType f32 = DType::float32;

struct ConvCase {
  Shape x, w, stride, low, high, dilation;
  int64_t groups;
};
Shape conv_out(const ConvCase& c) {
  Shape y = {c.x[0], c.w[0]};
  for (size_t a = 0; a + 2 < c.x.size(); ++a)
    y.push_back((c.x[2 + a] + c.low[a] + c.high[a] - c.dilation[a] * (c.w[2 + a] - 1) - 1) / c.stride[a] + 1);
  return y;
}
void conv_agrees(const ConvCase& c) {
  const Shape y = conv_out(c);
  std::vector<Attribute> settings = {
      {"stride", c.stride}, {"padding_low", c.low}, {"padding_high", c.high}, {"dilation", c.dilation}, {"groups", c.groups}};
  const Array x = wild(c.x, 1), w = wild(c.w, 2, f32, 0.3), dy = wild(y, 3, f32, 0.3);
  op_agrees("conv", {x, w}, {shaped(y)}, settings, 1e-5);
  settings.emplace_back("shape", c.x);
  op_agrees("conv_backward_data", {dy, w}, {shaped(c.x)}, settings, 5e-5);
  settings.back() = Attribute("shape", c.w);
  op_agrees("conv_backward_weights", {x, dy}, {shaped(c.w)}, settings, 5e-5);
}

}  // namespace

TEST_CASE("cpu: convolutions over one to three axes") {
  const ConvCase cases[] = {
      {{2, 1, 28, 28}, {6, 1, 5, 5}, {1, 1}, {2, 2}, {2, 2}, {1, 1}, 1},
      {{3, 6, 14, 14}, {16, 6, 5, 5}, {1, 1}, {0, 0}, {0, 0}, {1, 1}, 1},
      {{5, 16, 5, 5}, {120, 16, 5, 5}, {1, 1}, {0, 0}, {0, 0}, {1, 1}, 1},
      {{2, 3, 11, 7}, {5, 3, 3, 2}, {2, 3}, {1, 0}, {0, 2}, {2, 1}, 1},
      {{1, 7, 9, 9}, {7, 1, 3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 7},
      {{2, 6, 8, 5}, {9, 2, 3, 3}, {1, 2}, {3, 1}, {0, 1}, {1, 2}, 3},
      {{2, 32, 9, 9}, {48, 16, 3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}, 2},
      {{2, 17, 6, 6}, {13, 17, 1, 1}, {1, 1}, {0, 0}, {0, 0}, {1, 1}, 1},
      {{1, 4, 3, 3}, {2, 4, 3, 3}, {1, 1}, {5, 5}, {4, 6}, {1, 1}, 1},
      {{2, 4, 50}, {64, 4, 9}, {1}, {0}, {0}, {1}, 1},
      {{3, 5, 23}, {7, 5, 4}, {3}, {2}, {1}, {2}, 1},
      {{2, 6, 12}, {6, 2, 3}, {1}, {2}, {2}, {2}, 3},
      {{2, 1, 9, 9, 9}, {8, 1, 5, 5, 5}, {2, 2, 2}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}, 1},
      {{2, 3, 5, 4, 6}, {7, 3, 2, 3, 1}, {2, 1, 1}, {0, 1, 0}, {1, 0, 0}, {1, 1, 2}, 1},
      {{1, 4, 5, 4, 6}, {6, 2, 2, 3, 1}, {1, 2, 1}, {0, 1, 0}, {1, 1, 0}, {2, 1, 1}, 2},
      {{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1}, {0, 0}, {0, 0}, {1, 1}, 1},
  };
  for (const ConvCase& c : cases) conv_agrees(c);
}

TEST_CASE("cpu: matmul, small and large, batched and transposed") {
  struct Case {
    Shape batch;
    int64_t m, n, k;
  };
  for (const Case& c : {Case{{}, 16, 32, 13},
                        {{}, 16, 3, 32},
                        {{}, 1, 1, 1},
                        {{}, 64, 120, 400},
                        {{}, 7, 131, 53},
                        {{3}, 5, 6, 7},
                        {{2, 3}, 33, 65, 70},
                        {{}, 1, 500, 700},
                        {{}, 500, 1, 700},
                        {{4}, 1, 9, 3}})
    for (int t = 0; t < 4; ++t) {
      Shape a = c.batch, b = c.batch, y = c.batch;
      a.push_back(t & 1 ? c.k : c.m), a.push_back(t & 1 ? c.m : c.k);
      b.push_back(t & 2 ? c.n : c.k), b.push_back(t & 2 ? c.k : c.n);
      y.push_back(c.m), y.push_back(c.n);
      op_agrees("matmul", {wild(a, 1), wild(b, 2, f32, 0.2)}, {shaped(y)}, {{"transpose_a", bool(t & 1)}, {"transpose_b", bool(t & 2)}},
                1e-5);
    }
}

TEST_CASE("cpu: pools, ties and NaN included") {
  struct Case {
    Shape x, size, stride, low, high;
  };
  const Case cases[] = {{{2, 3, 8, 6}, {2, 2}, {2, 2}, {0, 0}, {0, 0}},
                        {{3, 6, 28, 28}, {2, 2}, {2, 2}, {0, 0}, {0, 0}},
                        {{2, 5, 9, 7}, {3, 2}, {1, 2}, {1, 0}, {2, 1}},
                        {{2, 33, 7, 7}, {3, 3}, {2, 2}, {1, 1}, {1, 1}},
                        {{2, 3, 17}, {4}, {4}, {0}, {3}},
                        {{1, 20, 9}, {3}, {1}, {1}, {1}},
                        {{2, 2, 5, 4, 6}, {2, 2, 3}, {2, 1, 3}, {0, 1, 0}, {1, 0, 0}},
                        {{1, 1, 3, 3}, {3, 3}, {1, 1}, {2, 2}, {2, 2}},
                        // One channel: along rows, in tiles.
                        {{3, 1, 700}, {5}, {1}, {2}, {2}},
                        {{2, 1, 9, 300}, {2, 3}, {2, 1}, {1, 0}, {0, 2}},
                        {{2, 1, 4, 5, 6}, {3, 2, 4}, {1, 1, 1}, {1, 1, 3}, {2, 0, 3}},
                        {{1, 1, 5, 40}, {3, 5}, {1, 2}, {1, 2}, {1, 2}}};
  for (const Case& c : cases) {
    Shape y = {c.x[0], c.x[1]};
    for (size_t a = 0; a < c.size.size(); ++a) y.push_back((c.x[2 + a] + c.low[a] + c.high[a] - c.size[a]) / c.stride[a] + 1);
    std::vector<Attribute> settings = {{"size", c.size}, {"stride", c.stride}, {"padding_low", c.low}, {"padding_high", c.high}};
    Array x = wild(c.x, 1);
    for (double& v : x.data) v = std::round(2 * v);  // many ties
    for (size_t i = 0; i < x.data.size(); i += 13) x.data[i] = not_a_number;
    for (size_t i = 5; i < x.data.size(); i += 17) x.data[i] = -INFINITY;
    op_agrees("max_pool", {x}, {shaped(y), shaped(y, DType::int32)}, settings, 0);
    const Array clean = wild(c.x, 2);
    Program p;
    const uint32_t in = p.input(clean), values = p.temporary(y, f32), where = p.temporary(y, DType::int32);
    p.op("max_pool", {in}, {values, where}, settings);
    p.show(where);
    Array indices{y, p.run(reference_session())[0], DType::int32};
    op_agrees("max_unpool", {wild(y, 3), indices}, {shaped(c.x)}, {{"shape", c.x}}, 1e-6);
    indices.data[0] = -1, indices.data.back() = 1e9;
    op_agrees("max_take", {clean, indices}, {shaped(y)}, {}, 0);
    for (bool count : {false, true}) {
      auto with = settings;
      with.emplace_back("count_padding", count);
      op_agrees("average_pool", {clean}, {shaped(y)}, with, 1e-6);
      with.emplace_back("shape", c.x);
      op_agrees("average_pool_backward", {wild(y, 4)}, {shaped(c.x)}, with, 1e-6);
    }
  }
}

TEST_CASE("cpu: shape ops of all types") {
  for (DType t : {f32, DType::int32, DType::uint8}) {
    const Array x = wild({2, 3, 5, 4}, 1, t), flat = wild({6, 35}, 2, t);
    op_agrees("reshape", {x}, {shaped({2, 60}, t)}, {{"shape", Shape{2, 60}}}, 0);
    op_agrees("reshape", {x}, {shaped({4, 5, 6}, t)}, {{"shape", Shape{4, 5, 6}}}, 0);
    op_agrees("transpose", {x}, {shaped({5, 2, 4, 3}, t)}, {{"axes", Shape{2, 0, 3, 1}}}, 0);
    op_agrees("transpose", {flat}, {shaped({35, 6}, t)}, {{"axes", Shape{1, 0}}}, 0);
    op_agrees("slice", {x}, {shaped({1, 2, 2, 4}, t)},
              {{"begin", Shape{1, 0, 1, 0}}, {"end", Shape{2, 3, 4, 4}}, {"stride", Shape{1, 2, 2, 1}}}, 0);
    op_agrees(
        "pad", {x}, {shaped({3, 3, 14, 7}, t)},
        {{"low", Shape{1, 0, 2, 1}}, {"high", Shape{0, 0, 3, 2}}, {"interior", Shape{0, 0, 1, 0}}, {"mode", "constant"}, {"value", 7.0}},
        0);
    for (const char* mode : {"reflect", "edge"})
      op_agrees("pad", {x}, {shaped({2, 3, 9, 9}, t)},
                {{"low", Shape{0, 0, 3, 2}}, {"high", Shape{0, 0, 1, 3}}, {"interior", Shape{0, 0, 0, 0}}, {"mode", mode}, {"value", 0.0}},
                0);
    op_agrees("concat", {x, wild({2, 1, 5, 4}, 3, t), wild({2, 2, 5, 4}, 4, t)}, {shaped({2, 6, 5, 4}, t)}, {{"axis", 1}}, 0);
    op_agrees("concat", {flat, flat}, {shaped({12, 35}, t)}, {{"axis", 0}}, 0);
    op_agrees("reverse", {x}, {shaped({2, 3, 5, 4}, t)}, {{"axes", Shape{1, 3}}}, 0);
  }
  op_agrees("transpose", {wild({130, 257, 3}, 1)}, {shaped({3, 257, 130})}, {{"axes", Shape{2, 1, 0}}}, 0);
}

TEST_CASE("cpu: argmax, gather, scatter_add") {
  Array x = wild({3, 5, 4, 7}, 1);
  for (double& v : x.data) v = std::round(v);
  for (size_t i = 0; i < x.data.size(); i += 11) x.data[i] = not_a_number;
  for (int64_t axis = 0; axis < 4; ++axis) {
    Shape y = x.shape;
    y[size_t(axis)] = 1;
    op_agrees("argmax", {x}, {shaped(y, DType::int32)}, {{"axis", axis}}, 0);
  }
  const Array indices{{2, 3}, {0, 4, -1, 4, 5, 2}, DType::int32};
  op_agrees("gather", {wild({3, 5, 4}, 1), indices}, {shaped({3, 2, 3, 4})}, {{"axis", 1}}, 0);
  op_agrees("gather", {wild({5, 4}, 1, DType::uint8), indices}, {shaped({2, 3, 4}, DType::uint8)}, {{"axis", 0}}, 0);
  op_agrees("scatter_add", {wild({3, 2, 3, 4}, 1), indices}, {shaped({3, 5, 4})}, {{"axis", 1}, {"shape", Shape{3, 5, 4}}}, 1e-6);
  op_agrees("scatter_add", {wild({6, 2}, 1), Array{{6}, {0, 0, 1, 0, 9, 1}, DType::int32}}, {shaped({3, 2})},
            {{"axis", 0}, {"shape", Shape{3, 2}}}, 1e-6);
  // Shared by threads.
  Array many{{40, 13}, {}, DType::int32};
  for (int64_t i = 0; i < 40 * 13; ++i) many.data.push_back(double(i * i % 31 - 1));
  op_agrees("gather", {wild({30, 37}, 1), many}, {shaped({40, 13, 37})}, {{"axis", 0}}, 0);
  op_agrees("scatter_add", {wild({40, 13, 37}, 2), many}, {shaped({30, 37})}, {{"axis", 0}, {"shape", Shape{30, 37}}}, 1e-5);
  op_agrees("scatter_add", {wild({5, 40, 13, 7}, 2), many}, {shaped({5, 30, 7})}, {{"axis", 1}, {"shape", Shape{5, 30, 7}}}, 1e-5);
  Array line{{20000}, {}, DType::int32};
  for (int64_t i = 0; i < 20000; ++i) line.data.push_back(double(i * 7 % 11));
  op_agrees("scatter_add", {wild({20000}, 3), line}, {shaped({10})}, {{"axis", 0}, {"shape", Shape{10}}}, 1e-4);
}

TEST_CASE("cpu: softmax and cross-entropy") {
  for (const Shape& s : {Shape{64, 10}, Shape{3, 1}, Shape{2, 5, 3, 4}, Shape{5, 1000}, Shape{2, 7, 6}, Shape{300, 33}}) {
    const Array x = wild(s, 1);
    for (size_t axis = 0; axis < s.size(); ++axis) {
      op_agrees("softmax", {x}, {shaped(s)}, {{"axis", int64_t(axis)}}, 1e-6);
      op_agrees("log_softmax", {x}, {shaped(s)}, {{"axis", int64_t(axis)}}, 1e-6);
    }
    Shape rows = s;
    rows.erase(rows.begin() + 1);
    Array labels{rows, {}, DType::int32};
    for (int64_t i = 0; i < lamina::element_count(rows); ++i) labels.data.push_back(double((i * 7) % s[1]));
    labels.data[0] = double(s[1]);
    op_agrees("softmax_cross_entropy", {x, labels}, {shaped(rows)}, {}, 1e-6);
    op_agrees("softmax_cross_entropy_backward", {x, labels, wild(rows, 2)}, {shaped(s)}, {}, 1e-6);
  }
  Array x = wild({3, 4}, 1);
  x.data[1] = not_a_number, x.data[5] = INFINITY, x.data[9] = -INFINITY;
  op_agrees("softmax", {x}, {shaped({3, 4})}, {{"axis", 1}}, 1e-6);
}

TEST_CASE("cpu: normalization per channel") {
  for (const Shape& s : {Shape{4, 3, 5, 7}, Shape{64, 16, 9, 9}, Shape{33, 5}, Shape{2, 130, 11}, Shape{2, 3, 2, 3, 4}}) {
    Shape c(s.size(), 1), axes = {0};
    c[1] = s[1];
    for (size_t a = 2; a < s.size(); ++a) axes.push_back(int64_t(a));
    Array x = wild(s, 1);
    for (double& v : x.data) v = double(float(v + 100));  // a mean far from 0
    const Array weight = wild(c, 2), bias = wild(c, 3), dy = wild(s, 4);
    const std::vector<Attribute> settings = {{"axes", axes}, {"epsilon", 1e-5}};
    op_agrees("normalize", {x, weight, bias}, {shaped(s), shaped(c), shaped(c)}, settings, 1e-5);
    Program p;
    const uint32_t mean = p.temporary(c, f32), variance = p.temporary(c, f32);
    p.op("normalize", {p.input(x), p.input(weight), p.input(bias)}, {p.temporary(s, f32), mean, variance}, settings);
    p.show(mean), p.show(variance);
    const auto known = p.run(reference_session());
    op_agrees("normalize_backward", {x, weight, {c, known[0], f32}, {c, known[1], f32}, dy}, {shaped(s), shaped(c), shaped(c)}, settings,
              5e-5);
  }
}

TEST_CASE("cpu: flatten then dense moves nothing, and the weights' gradient takes their order") {
  const Shape image = {5, 16, 3, 4}, rows = {5, 192}, weights = {10, 192};
  const auto build = [&](Program& p, bool state) {
    const uint32_t x = p.input(wild(image, 1)), given = p.input(wild(weights, 2)), dy = p.input(wild({5, 10}, 3));
    uint32_t w = given, next = p.temporary(weights, f32);
    const uint32_t channel = p.input(wild({1, 16, 1, 1}, 4)), y = p.temporary(image, f32), flat = p.temporary(rows, f32);
    if (state) w = p.value(LAMINA_STATE, f32, weights, 0), next = p.value(LAMINA_STATE, f32, weights, 0);
    const uint32_t z = p.temporary({5, 10}, f32), dw = p.temporary(weights, f32), dflat = p.temporary(rows, f32),
                   dx = p.temporary(image, f32);
    static Region bias(2), update(2);
    static const lamina_region* add = (bias.result(bias.add("add", {0, 1}, f32)), bias.over({image}));
    static const lamina_region* step = (update.result(update.add("subtract", {0, 1}, f32)), update.over({weights}));
    p.op("map", {x, channel}, {y}).region = add;
    p.op("reshape", {y}, {flat}, {{"shape", rows}});
    p.op("matmul", {flat, w}, {z}, {{"transpose_a", false}, {"transpose_b", true}});
    p.op("matmul", {dy, flat}, {dw}, {{"transpose_a", true}, {"transpose_b", false}});
    p.op("matmul", {dy, w}, {dflat}, {{"transpose_a", false}, {"transpose_b", false}});
    p.op("reshape", {dflat}, {dx}, {{"shape", image}});
    p.op("map", {w, dw}, {next}).region = step;
    for (uint32_t o : {z, dw, dx, next}) p.show(o);
  };
  agree(
      "flatten and dense", [&](Program& p) { build(p, false); }, 5e-5);
  Session own(std::string(LAMINA_PLUGINS) + "/backends/cpu.so", {{"threads", int64_t(2)}});
  Program with, without;
  build(with, true), build(without, false);
  Planned planned(with, own, true);
  CHECK(planned.reorders() == 0);
  const Array w = wild(weights, 2);
  const auto bytes = bytes_of(w);
  own.must(own.table->state_write(&own.host, own.scope(), own.object, 0, bytes.data()));
  const auto got = planned.run(), wanted = without.run(reference_session());
  for (size_t o = 0; o < wanted.size(); ++o) CHECK(distance(got[o], wanted[o]) <= 5e-5);
  std::vector<std::byte> back(bytes.size());
  own.must(own.table->state_read(&own.host, own.scope(), own.object, 0, back.data()));
  CHECK(distance(numbers_of(f32, back.data(), w.data.size()), wanted[3]) <= 5e-5);
}

TEST_CASE("cpu: layouts whose digits do not divide are reordered") {
  agree(
      "reshape across axes",
      [&](Program& p) {
        static Region r(2);
        static const lamina_region* both = (r.result(r.add("add", {0, 1}, f32)), r.over({{2, 10, 21}}));
        const uint32_t x = p.input(wild({2, 6, 5, 7}, 1)), y = p.temporary({2, 10, 21}, f32), z = p.temporary({2, 10, 21}, f32),
                       t = p.temporary({21, 10, 2}, f32);
        p.op("reshape", {x}, {y}, {{"shape", Shape{2, 10, 21}}});
        p.op("map", {y, p.input(wild({10, 1}, 2))}, {z}).region = both;
        p.op("transpose", {y}, {t}, {{"axes", Shape{2, 1, 0}}});
        for (uint32_t o : {y, z, t}) p.show(o);
      },
      1e-6);
}
