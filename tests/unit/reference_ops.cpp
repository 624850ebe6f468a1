// The reference backend's ops against numbers worked out by hand, and gradients against their adjoint.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "backend_bench.hpp"

using namespace bench;
using Numbers = std::vector<double>;
static const double nan_ = std::numeric_limits<double>::quiet_NaN();
static const std::string library = std::string(LAMINA_PLUGINS) + "/backends/reference.so";

static bool near(const Numbers& a, const Numbers& b, double tolerance = 1e-14) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (!(std::fabs(a[i] - b[i]) <= tolerance * std::max(1.0, std::fabs(b[i])) || (a[i] != a[i] && b[i] != b[i]))) return false;
  return true;
}
/// Numbers without pattern in [-1, 1].
static Array wild(const Shape& shape, uint32_t seed) {
  Array a{shape, {}};
  for (int64_t i = 0; i < lamina::element_count(shape); ++i)
    a.data.push_back(std::sin(12.9898 * double(i + 1) + 78.233 * seed) * std::cos(double(i * i)));
  return a;
}
static double dot(const Numbers& a, const Numbers& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}
static Array shaped(const Shape& shape, DType dtype = DType::float64) { return {shape, {}, dtype}; }
static Array labels(const Shape& shape, Numbers v) { return {shape, std::move(v), DType::int32}; }

TEST_CASE("reference: matmul, batched and transposed") {
  Session s(library);
  const Array a{{1, 2, 3}, {1, 2, 3, 4, 5, 6}}, b{{1, 3, 2}, {7, 8, 9, 10, 11, 12}}, at{{1, 3, 2}, {1, 4, 2, 5, 3, 6}},
      bt{{1, 2, 3}, {7, 9, 11, 8, 10, 12}};
  const Numbers wanted = {58, 64, 139, 154};
  for (int t = 0; t < 4; ++t)
    CHECK(near(evaluate(s, "matmul", {t & 1 ? at : a, t & 2 ? bt : b}, {shaped({1, 2, 2})},
                        {{"transpose_a", bool(t & 1)}, {"transpose_b", bool(t & 2)}})[0],
               wanted));
}

TEST_CASE("reference: convolution by hand") {
  Session s(library);
  const Array x{{1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}}, w{{1, 1, 2, 2}, {1, 0, 0, -1}};
  const std::vector<Attribute> plain = {
      {"stride", Shape{1, 1}}, {"padding_low", Shape{0, 0}}, {"padding_high", Shape{0, 0}}, {"dilation", Shape{1, 1}}, {"groups", 1}};
  CHECK(near(evaluate(s, "conv", {x, w}, {shaped({1, 1, 2, 2})}, plain)[0], {-4, -4, -4, -4}));
  const std::vector<Attribute> padded = {
      {"stride", Shape{2, 2}}, {"padding_low", Shape{1, 0}}, {"padding_high", Shape{1, 1}}, {"dilation", Shape{2, 1}}, {"groups", 1}};
  // rows −1 and 1, then 1 and 3 (outside); columns 0 1, then 2 and 3 (outside)
  CHECK(near(evaluate(s, "conv", {x, w}, {shaped({1, 1, 2, 2})}, padded)[0], {-5, 0, 4, 6}));
}

TEST_CASE("reference: convolution gradients are the adjoint, in one, two and three axes") {
  Session s(library);
  struct Case {
    Shape x, w, y, stride, low, high, dilation;
    int64_t groups;
  };
  const Case cases[] = {{{2, 4, 11}, {6, 2, 3}, {2, 6, 6}, {2}, {2}, {1}, {1}, 2},
                        {{2, 3, 7, 5}, {4, 3, 3, 2}, {2, 4, 7, 3}, {1, 2}, {2, 1}, {2, 0}, {2, 1}, 1},
                        {{1, 2, 5, 4, 6}, {2, 1, 2, 3, 1}, {1, 2, 2, 4, 6}, {2, 1, 1}, {0, 1, 0}, {0, 1, 0}, {1, 1, 1}, 2}};
  for (const Case& c : cases) {
    std::vector<Attribute> settings = {
        {"stride", c.stride}, {"padding_low", c.low}, {"padding_high", c.high}, {"dilation", c.dilation}, {"groups", c.groups}};
    const Array x = wild(c.x, 1), w = wild(c.w, 2), dy = wild(c.y, 3);
    const Numbers y = evaluate(s, "conv", {x, w}, {shaped(c.y)}, settings)[0];
    settings.emplace_back("shape", c.x);
    const Numbers dx = evaluate(s, "conv_backward_data", {dy, w}, {shaped(c.x)}, settings)[0];
    settings.back() = Attribute("shape", c.w);
    const Numbers dw = evaluate(s, "conv_backward_weights", {x, dy}, {shaped(c.w)}, settings)[0];
    CHECK(dot(y, dy.data) == doctest::Approx(dot(dx, x.data)).epsilon(1e-12));
    CHECK(dot(y, dy.data) == doctest::Approx(dot(dw, w.data)).epsilon(1e-12));
    CHECK(std::fabs(dot(y, dy.data)) > 1e-3);
  }
}

TEST_CASE("reference: pools by hand") {
  Session s(library);
  const Array x{{1, 1, 3, 3}, {1, 5, 5, nan_, 2, 4, 3, nan_, -6}};
  const std::vector<Attribute> window = {
      {"size", Shape{2, 2}}, {"stride", Shape{2, 2}}, {"padding_low", Shape{1, 0}}, {"padding_high", Shape{0, 1}}};
  const auto max = evaluate(s, "max_pool", {x}, {shaped({1, 1, 2, 2}), shaped({1, 1, 2, 2}, DType::int32)}, window);
  CHECK(near(max[0], {5, 5, nan_, 4}));
  CHECK(near(max[1], {1, 2, 3, 5}));
  const Array negative{{1, 1, 3}, {-3, -1, -2}};  // padding never wins
  const std::vector<Attribute> line = {{"size", Shape{2}}, {"stride", Shape{1}}, {"padding_low", Shape{1}}, {"padding_high", Shape{1}}};
  CHECK(near(evaluate(s, "max_pool", {negative}, {shaped({1, 1, 4}), shaped({1, 1, 4}, DType::int32)}, line)[0], {-3, -1, -1, -2}));
  const Array v{{1, 1, 4}, {1, 2, 3, 4}}, at = labels({1, 1, 4}, {0, 1, 1, 9});
  CHECK(near(evaluate(s, "max_unpool", {v, at}, {shaped({1, 1, 3})}, {{"shape", Shape{1, 1, 3}}})[0], {1, 5, 0}));
  CHECK(near(evaluate(s, "max_take", {negative, at}, {shaped({1, 1, 4})})[0], {-3, -1, -1, 0}));
  for (bool count : {false, true}) {
    auto settings = line;
    settings.emplace_back("count_padding", count);
    const Numbers y = evaluate(s, "average_pool", {negative}, {shaped({1, 1, 4})}, settings)[0];
    CHECK(near(y, count ? Numbers{-1.5, -2, -1.5, -1} : Numbers{-3, -2, -1.5, -2}));
    settings.emplace_back("shape", Shape{1, 1, 3});
    const Numbers dx = evaluate(s, "average_pool_backward", {v}, {shaped({1, 1, 3})}, settings)[0];
    CHECK(dot(dx, negative.data) == doctest::Approx(dot(y, v.data)));
  }
}

TEST_CASE("reference: normalize by hand, its gradient by differences") {
  Session s(library);
  const Array x{{2, 2, 2}, {1, 3, 0, 0, 5, 7, 0, 4}}, weight{{1, 2, 1}, {2, 1}}, bias{{1, 2, 1}, {0, 10}};
  const std::vector<Attribute> settings = {{"axes", Shape{0, 2}}, {"epsilon", 0.0}};
  const auto out = evaluate(s, "normalize", {x, weight, bias}, {shaped({2, 2, 2}), shaped({1, 2, 1}), shaped({1, 2, 1})}, settings);
  const double r = std::sqrt(5.0), q = std::sqrt(3.0);  // means 4, 1; variances 5, 3
  CHECK(near(out[1], {4, 1}));
  CHECK(near(out[2], {5, 3}));
  CHECK(near(out[0], {-6 / r, -2 / r, 10 - 1 / q, 10 - 1 / q, 2 / r, 6 / r, 10 - 1 / q, 10 + 3 / q}));

  struct Case {
    Shape x, weight, kept, axes;
  };
  for (const Case& c : {Case{{3, 2, 4}, {1, 2, 1}, {1, 2, 1}, {0, 2}}, Case{{3, 2, 4}, {1, 2, 4}, {3, 1, 1}, {1, 2}},
                        Case{{3, 2, 4}, {1, 2, 1}, {3, 2, 1}, {2}}}) {
    const std::vector<Attribute> a = {{"axes", c.axes}, {"epsilon", 1e-3}};
    const Array in[3] = {wild(c.x, 1), wild(c.weight, 2), wild(c.weight, 3)}, dy = wild(c.x, 4);
    const auto loss = [&](const Array& x, const Array& w, const Array& b) {
      return dot(evaluate(s, "normalize", {x, w, b}, {shaped(c.x), shaped(c.kept), shaped(c.kept)}, a)[0], dy.data);
    };
    const auto forward = evaluate(s, "normalize", {in[0], in[1], in[2]}, {shaped(c.x), shaped(c.kept), shaped(c.kept)}, a);
    const auto gradients = evaluate(s, "normalize_backward", {in[0], in[1], {c.kept, forward[1]}, {c.kept, forward[2]}, dy},
                                    {shaped(c.x), shaped(c.weight), shaped(c.weight)}, a);
    for (int i = 0; i < 3; ++i) {
      const Array direction = wild(in[i].shape, 7);
      Array up[3] = {in[0], in[1], in[2]}, down[3] = {in[0], in[1], in[2]};
      for (size_t e = 0; e < direction.data.size(); ++e)
        up[i].data[e] += 1e-6 * direction.data[e], down[i].data[e] -= 1e-6 * direction.data[e];
      const double slope = (loss(up[0], up[1], up[2]) - loss(down[0], down[1], down[2])) / 2e-6;
      CHECK(dot(gradients[i], direction.data) == doctest::Approx(slope).epsilon(1e-6));
    }
  }
}

TEST_CASE("reference: softmax and cross entropy by hand") {
  Session s(library);
  const Array x{{2, 2, 2}, {0, 1000, std::log(3.0), 1000, -5, 0, -5, 0}};
  CHECK(near(evaluate(s, "softmax", {x}, {shaped({2, 2, 2})}, {{"axis", 1}})[0], {0.25, 0.5, 0.75, 0.5, 0.5, 0.5, 0.5, 0.5}));
  const double half = -std::log(2.0);
  CHECK(near(evaluate(s, "log_softmax", {x}, {shaped({2, 2, 2})}, {{"axis", 1}})[0],
             {std::log(0.25), half, std::log(0.75), half, half, half, half, half}));
  const Array wanted = labels({2, 2}, {1, 0, 2, -1});
  CHECK(near(evaluate(s, "softmax_cross_entropy", {x, wanted}, {shaped({2, 2})})[0], {-std::log(0.75), -half, nan_, nan_}));
  const Array upstream{{2, 2}, {1, 10, 0, 1}};
  CHECK(near(evaluate(s, "softmax_cross_entropy_backward", {x, wanted, upstream}, {shaped({2, 2, 2})})[0],
             {0.25, -5, -0.25, 5, nan_, nan_, nan_, nan_}));
}

TEST_CASE("reference: ops that move elements, of every size") {
  Session s(library);
  for (DType t : {DType::float64, DType::float32, DType::int32, DType::uint8}) {
    const Array x{{2, 3}, {1, 2, 3, 4, 5, 6}, t};
    const auto move = [&](const char* op, const Shape& shape, std::vector<Attribute> a) {
      return evaluate(s, op, {x}, {shaped(shape, t)}, a)[0];
    };
    CHECK(near(move("reshape", {3, 2}, {{"shape", Shape{3, 2}}}), {1, 2, 3, 4, 5, 6}));
    CHECK(near(move("transpose", {3, 2}, {{"axes", Shape{1, 0}}}), {1, 4, 2, 5, 3, 6}));
    CHECK(near(move("reverse", {2, 3}, {{"axes", Shape{1}}}), {3, 2, 1, 6, 5, 4}));
    CHECK(near(move("slice", {1, 2}, {{"begin", Shape{1, 0}}, {"end", Shape{2, 3}}, {"stride", Shape{1, 2}}}), {4, 6}));
    const auto pad = [&](const char* mode, const Shape& shape, Shape low, Shape high, Shape interior) {
      return move("pad", shape, {{"low", low}, {"high", high}, {"interior", interior}, {"mode", mode}, {"value", 9.0}});
    };
    CHECK(near(pad("constant", {3, 6}, {0, 1}, {1, 0}, {0, 1}), {9, 1, 9, 2, 9, 3, 9, 4, 9, 5, 9, 6, 9, 9, 9, 9, 9, 9}));
    CHECK(near(pad("reflect", {3, 6}, {1, 2}, {0, 1}, {0, 0}), {6, 5, 4, 5, 6, 5, 3, 2, 1, 2, 3, 2, 6, 5, 4, 5, 6, 5}));
    CHECK(near(pad("edge", {3, 5}, {1, 1}, {0, 1}, {0, 0}), {1, 1, 2, 3, 3, 1, 1, 2, 3, 3, 4, 4, 5, 6, 6}));
    CHECK(near(evaluate(s, "concat", {x, x, {{2, 1}, {7, 8}, t}}, {shaped({2, 7}, t)}, {{"axis", 1}})[0],
               {1, 2, 3, 1, 2, 3, 7, 4, 5, 6, 4, 5, 6, 8}));
    CHECK(near(evaluate(s, "gather", {x, labels({2, 2}, {2, 0, 5, -1})}, {shaped({2, 2, 2}, t)}, {{"axis", 1}})[0],
               {3, 1, 0, 0, 6, 4, 0, 0}));
    if (lamina::size_of(t) > 1)
      CHECK(near(evaluate(s, "scatter_add", {x, labels({3}, {1, 1, 4})}, {shaped({2, 2}, t)}, {{"axis", 1}, {"shape", Shape{2, 2}}})[0],
                 {0, 3, 0, 9}));
    CHECK(near(evaluate(s, "argmax", {x}, {shaped({2, 1}, DType::int32)}, {{"axis", 1}})[0], {2, 2}));
  }
  CHECK(near(evaluate(s, "argmax", {{{2, 4}, {1, 3, 3, 2, 1, nan_, 5, nan_}}}, {shaped({2, 1}, DType::int32)}, {{"axis", 1}})[0], {1, 1}));
}

TEST_CASE("reference: a custom kernel") {
  Session s(library);
  Program p;
  const uint32_t x = p.input({{3}, {1, 2, 3}}), y = p.temporary({3});
  lamina_kernel kernel{};
  kernel.size = sizeof kernel, kernel.name = "scale";
  kernel.cpu_double = [](const lamina_kernel_call* c) {
    for (int64_t i = c->begin; i < c->end; ++i)
      static_cast<double*>(c->out[0])[i] = c->constants[0] * static_cast<const double*>(c->in[0])[i];
  };
  const double factor = 3;
  auto& op = p.op("kernel", {x}, {y});
  op.kernel = &kernel, op.constants = &factor, op.constant_count = 1, op.items = 3;
  p.show(y);
  CHECK(s.table->claims(s.object, &p.ops[0], p.values.data()) == 1);
  CHECK(near(p.run(s)[0], {3, 6, 9}));
  kernel.cpu_double = nullptr;
  CHECK(s.table->claims(s.object, &p.ops[0], p.values.data()) == 0);
}

TEST_CASE("reference: what does not fit is refused with a sentence") {
  Session s(library);
  const Array x{{2, 3}, {1, 2, 3, 4, 5, 6}};
  const auto refused = [&](const char* op, const std::vector<Array>& in, const std::vector<Array>& out, const std::vector<Attribute>& a,
                           const char* wanted) {
    try {
      evaluate(s, op, in, out, a);
    } catch (const std::runtime_error& e) {
      CHECK_MESSAGE(std::string(e.what()).find(wanted) != std::string::npos, e.what());
      CHECK(std::string(e.what()).find("net.layer") != std::string::npos);
      return true;
    }
    return false;
  };
  CHECK(refused("fourier", {x}, {x}, {}, "does not know it"));
  CHECK(refused("transpose", {x}, {shaped({3, 2})}, {}, "'axes'"));
  CHECK(refused("transpose", {x}, {shaped({3, 2})}, {{"axes", Shape{1, 1}}}, "permutation"));
  CHECK(refused("matmul", {x, x}, {shaped({2, 3})}, {}, "second operand"));
  CHECK(refused("matmul", {x}, {shaped({2, 3})}, {}, "1 operands"));
  CHECK(refused("softmax", {x}, {x}, {{"axis", 2}}, "axis 2"));
  CHECK(refused("softmax", {{{2}, {1, 2}, DType::int32}}, {shaped({2}, DType::int32)}, {{"axis", 0}}, "float32 or float64"));
  CHECK(refused("slice", {x}, {x}, {{"begin", Shape{0, 0}}, {"end", Shape{2, 4}}, {"stride", Shape{1, 1}}}, "axis 1"));
  const std::vector<Attribute> window = {
      {"stride", Shape{0}}, {"padding_low", Shape{0}}, {"padding_high", Shape{0}}, {"dilation", Shape{1}}, {"groups", 1}};
  CHECK(refused("conv", {wild({1, 1, 5}, 1), wild({1, 1, 3}, 1)}, {shaped({1, 1, 3})}, window, "'stride'"));
  Program p;
  const uint32_t in = p.input(x), out = p.temporary({2, 3});
  p.op("copy", {in}, {out});
  p.values[out].offset = p.arena;
  CHECK_THROWS_WITH_AS(p.run(s), doctest::Contains("outside the arena"), std::runtime_error);
  p.values[out].kind = LAMINA_STATE;
  CHECK_THROWS_WITH_AS(p.run(s), doctest::Contains("state entry"), std::runtime_error);
}
