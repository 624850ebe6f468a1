// The reference backend's fused regions, on programs built by hand.
#include <doctest/doctest.h>
#include <lamina/philox.hpp>

#include <cmath>
#include <limits>

#include "backend_bench.hpp"

using namespace bench;
using Numbers = std::vector<double>;
static const double nan_ = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
static const std::string library = std::string(LAMINA_PLUGINS) + "/backends/reference.so";

static bool same(const Numbers& a, const Numbers& b) {  // NaN equals NaN
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (!(a[i] == b[i] || (a[i] != a[i] && b[i] != b[i]))) return false;
  return true;
}
/// One instruction over operands of one shape.
static Numbers apply(Session& s, const char* op, const std::vector<Array>& in, DType result = DType::float64,
                     std::vector<Attribute> attributes = {}) {
  Program p;
  Region r(uint32_t(in.size()));
  std::vector<uint32_t> ins, numbers;
  for (auto& a : in) ins.push_back(p.input(a)), numbers.push_back(uint32_t(numbers.size()));
  const uint32_t out = p.temporary(in[0].shape, result);
  r.result(r.add(op, numbers, result, std::move(attributes)));
  p.op("map", ins, {out}).region = r.over({in[0].shape});
  p.show(out);
  return p.run(s)[0];
}

TEST_CASE("reference: the descriptor and the device") {
  Session s(library);
  CHECK(s.plugin->kind == std::string("backend"));
  CHECK(s.plugin->name == std::string("reference"));
  CHECK(s.plugin->parameter_count == 3);
  lamina_device devices[2] = {};
  uint32_t count = 2;
  s.must(s.table->devices(&s.host, s.scope(), devices, &count));
  CHECK(count == 1);
  CHECK(devices[0].available == 1);
  CHECK(std::string(s.table->describe(s.object)).find("float64") != std::string::npos);
}

TEST_CASE("reference: a program of two ops, batch rows gathered, a scalar of the step table, profiled") {
  Session s(library);
  Program p;
  const Array data{{4, 2}, {1, 2, 3, -4, 5, 6, -7, 8}};
  p.feeds.push_back(bytes_of(data));
  const uint32_t x = p.value(LAMINA_INPUT, DType::float64, {2, 2}), rate = p.scalar(0.5), relu = p.temporary({2, 2});
  const uint32_t w = p.value(LAMINA_STATE, DType::float64, {2, 3}, 0), y = p.temporary({2, 3});
  Region r(2);
  const uint32_t zero = r.add("constant", {}, DType::float64, {{"value", 0.0}});
  r.result(r.add("multiply", {r.add("maximum", {zero, 0}), 1}));
  p.op("map", {x, rate}, {relu}).region = r.over({{2, 2}});
  p.op("matmul", {relu, w}, {y}, {{"transpose_a", false}, {"transpose_b", false}});
  p.show(y);

  lamina_state_entry entry{sizeof entry, LAMINA_FLOAT64, 2, {2, 3}, "dense.weight", 0, 48, 64};
  s.must(s.table->state_create(&s.host, s.scope(), s.object, &entry, 1));
  const double weights[] = {1, 2, 3, 4, 5, 6};
  s.must(s.table->state_write(&s.host, s.scope(), s.object, 0, weights));
  double back[6];
  s.must(s.table->state_read(&s.host, s.scope(), s.object, 0, back));
  CHECK(back[5] == 6);
  CHECK(s.table->state_read(&s.host, s.scope(), s.object, 1, back) != 0);

  void* executable = nullptr;
  s.must(s.table->compile(&s.host, s.scope(), s.object, &p.view(), &executable));
  const int64_t rows[] = {3, 1};
  const lamina_feed feed{p.feeds[0].data(), rows, 16};
  double out[6] = {};
  uint32_t none = 0;
  s.must(s.table->profile(executable, 1, nullptr, &none));
  const lamina_run run{sizeof run, 1, 0, 0, 0, &feed, p.scalars.data(), out};
  s.must(s.table->run(&s.host, s.scope(), executable, &run));
  s.must(s.table->wait(&s.host, s.scope(), executable));
  // relu([[-7, 8], [3, -4]]) / 2 = [[0, 4], [1.5, 0]]
  CHECK(same(Numbers(out, out + 6), {16, 20, 24, 1.5, 3, 4.5}));
  lamina_profile times[2] = {};
  uint32_t count = 2;
  CHECK(s.table->profile(executable, 0, times, &count) == 0);
  CHECK(count == 2);
  CHECK(times[1].op == 1);
  s.table->release(executable);
}

TEST_CASE("reference: edge semantics of elementwise ops") {
  Session s(library);
  const auto real = [](Numbers v) { return Array{{int64_t(v.size())}, v}; };
  const auto integers = [](Numbers v, DType t = DType::int32) { return Array{{int64_t(v.size())}, v, t}; };
  CHECK(same(apply(s, "maximum", {real({nan_, 1, 2}), real({1, nan_, 3})}), {nan_, nan_, 3}));
  CHECK(same(apply(s, "minimum", {real({nan_, 1, 2}), real({1, nan_, 3})}), {nan_, nan_, 2}));
  CHECK(std::signbit(apply(s, "maximum", {real({-0.0}), real({0.0})})[0]));
  CHECK(same(apply(s, "sign", {real({-2, 0, nan_, inf})}), {-1, 0, nan_, 1}));
  CHECK(same(apply(s, "less", {real({nan_, 1}), real({1, 2})}, DType::boolean), {0, 1}));
  CHECK(same(apply(s, "not_equal", {real({nan_, 1}), real({nan_, 1})}, DType::boolean), {1, 0}));
  CHECK(same(apply(s, "divide", {integers({7, -7, 3, -2147483648.0}), integers({2, 2, 0, -1})}, DType::int32), {3, -3, 0, -2147483648.0}));
  CHECK(same(apply(s, "add", {integers({2147483647}), integers({1})}, DType::int32), {-2147483648.0}));
  CHECK(same(apply(s, "multiply", {integers({4294967295.0}, DType::uint32), integers({2}, DType::uint32)}, DType::uint32), {4294967294.0}));
  CHECK(same(apply(s, "cast", {real({1.9, -1.9, nan_, 1e20, -1e20})}, DType::int32), {1, -1, 0, 2147483647, -2147483648.0}));
  CHECK(same(apply(s, "cast", {real({300, -3, 7.5})}, DType::uint8), {255, 0, 7}));
  CHECK(same(apply(s, "cast", {real({0, -0.0, 0.5, nan_})}, DType::boolean), {0, 0, 1, 1}));
  CHECK(same(apply(s, "cast", {integers({0, 2}, DType::boolean)}, DType::float64), {0, 1}));
  CHECK(same(apply(s, "shift_right", {integers({4294967295.0}, DType::uint32)}, DType::uint32, {{"bits", 8}}), {16777215}));
  CHECK(same(apply(s, "sigmoid", {real({-1000, 0, 1000})}), {0, 0.5, 1}));
  CHECK(same(apply(s, "softplus", {real({-1000, 1000, nan_, inf})}), {0, 1000, nan_, inf}));
  CHECK(apply(s, "softplus", {real({0})})[0] == doctest::Approx(std::log(2.0)).epsilon(1e-15));
  CHECK(same(apply(s, "select", {integers({1, 0}, DType::boolean), real({1, 2}), real({3, 4})}), {1, 4}));
  // 16-bit storage inside a region: rounded where it is made. 1 + 2⁻¹¹ ties to 1 in float16, 65520 overflows.
  Program p;
  Region r(1);
  const uint32_t half = r.add("cast", {0}, DType::float16), brain = r.add("cast", {0}, DType::bfloat16);
  r.result(r.add("cast", {half}));
  r.result(r.add("cast", {brain}));
  const uint32_t x = p.input(real({1 + 0x1p-11, 1 + 0x1.8p-10, 65520, 0x1p-24, 257})), a = p.temporary({5}), b = p.temporary({5});
  p.op("map", {x}, {a, b}).region = r.over({{5}});
  p.show(a), p.show(b);
  const auto out = p.run(s);
  CHECK(same(out[0], {1, 1 + 0x1p-9, inf, 0x1p-24, 257}));
  CHECK(same(out[1], {1, 1, 65536, 0x1p-24, 256}));
}

TEST_CASE("reference: broadcasting, reductions and several results over more than one strip") {
  Session s(library);
  Program p;
  const int64_t n = 700;  // strips are shorter
  Array x{{2, 3, n}, {}}, bias{{3, 1}, {10, 20, 30}};
  for (int64_t i = 0; i < 6 * n; ++i) x.data.push_back(double(i % 11));
  Region r(2);
  const uint32_t sum = r.add("add", {0, 1});
  r.result(sum);
  r.result(sum, LAMINA_SUM);
  r.result(sum, LAMINA_MAX);
  r.result(r.add("iota", {}, DType::int32, {{"axis", 1}}), LAMINA_MIN);
  const uint32_t in = p.input(x), b = p.input(bias), all = p.temporary({2, 3, n}), per_channel = p.temporary({1, 3, 1}),
                 largest = p.temporary({1, 1, n});
  const uint32_t axis = p.temporary({1, 3, 1}, DType::int32);
  p.op("map", {in, b}, {all, per_channel, largest, axis}).region = r.over({{2, 3, n}});
  for (uint32_t v : {all, per_channel, largest, axis}) p.show(v);
  const auto out = p.run(s);
  Numbers sums(3), maxima(n, -inf);
  for (int64_t i = 0; i < 6 * n; ++i) {
    const double v = x.data[i] + 10 * double(i / n % 3 + 1);
    CHECK_MESSAGE(out[0][i] == v, i);
    sums[i / n % 3] += v, maxima[i % n] = std::max(maxima[i % n], v);
  }
  CHECK(same(out[1], sums));
  CHECK(same(out[2], maxima));
  CHECK(same(out[3], {0, 1, 2}));
}

TEST_CASE("reference: float32 rounds scalars once and sums in double") {
  Session s(library, {{"precision", "float32"}});
  Program p;
  const Array x{{4}, {1e8, 1, -1e8, 1}, DType::float32};
  Region r(2);
  r.result(r.add("add", {0, 1}, DType::float32));
  r.result(r.add("broadcast", {0}, DType::float32), LAMINA_SUM);
  const uint32_t in = p.input(x), tenth = p.scalar(0.1), y = p.temporary({4}, DType::float32), total = p.temporary({1}, DType::float32);
  p.op("map", {in, tenth}, {y, total}).region = r.over({{4}});
  p.show(y), p.show(total);
  const auto out = p.run(s);
  CHECK(out[0][1] == double(1.0f + 0.1f));
  CHECK(same(out[1], {2}));
}

TEST_CASE("reference: random bits follow the published order, channels last") {
  Session s(library);
  Program p;
  const uint64_t key = lamina::stream_key("dropout");
  Region r(0);
  r.result(r.add("random_bits", {}, DType::uint32, {{"key", int64_t(key)}}));
  const uint32_t y = p.temporary({2, 3, 5, 7}, DType::uint32);
  p.op("map", {}, {y}).region = r.over({{2, 3, 5, 7}});
  p.show(y);
  const auto out = p.run(s, 42, 9)[0];
  const auto stream = lamina::RandomStream::of(42, key, 9, 0);
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t i = 0; i < 35; ++i) CHECK(out[(b * 3 + c) * 35 + i] == stream.word(uint64_t((b * 35 + i) * 3 + c)));
}

TEST_CASE("reference: segments of one update, in place on the state") {
  Session s(library);
  Program p;
  const lamina_state_entry entries[] = {{sizeof(lamina_state_entry), LAMINA_FLOAT64, 1, {3}, "a", 0, 24, 64},
                                        {sizeof(lamina_state_entry), LAMINA_FLOAT64, 2, {1, 2}, "b", 0, 16, 64}};
  s.must(s.table->state_create(&s.host, s.scope(), s.object, entries, 2));
  const uint32_t a = p.value(LAMINA_STATE, DType::float64, {3}, 0), b = p.value(LAMINA_STATE, DType::float64, {1, 2}, 1);
  const uint32_t next_a = p.value(LAMINA_STATE, DType::float64, {3}, 0), next_b = p.value(LAMINA_STATE, DType::float64, {1, 2}, 1);
  const uint32_t one = p.input({{1}, {1}}), fast = p.scalar(10), slow = p.scalar(0.5);
  Region r(3);  // w + rate · one
  r.result(r.add("add", {0, r.add("multiply", {2, 1})}));
  p.op("map", {a, one, fast, b, one, slow}, {next_a, next_b}).region = r.over({{3}, {1, 2}});
  p.show(next_a), p.show(next_b);
  p.run(s);
  const auto out = p.run(s);
  CHECK(same(out[0], {20, 20, 20}));
  CHECK(same(out[1], {1, 1}));
}

TEST_CASE("reference: prepare offers views and overwriting, and nothing else") {
  Session s(library);
  Program p;
  const uint32_t x = p.input({{2, 3}, Numbers(6)}), flat = p.temporary({6}), bias = p.input({{1}, {1}}), y = p.temporary({6}),
                 total = p.temporary({1});
  p.op("reshape", {x}, {flat}, {{"shape", Shape{6}}});
  Region r(2);
  const uint32_t sum = r.add("add", {0, 1});
  r.result(sum), r.result(sum, LAMINA_SUM);
  p.op("map", {flat, bias}, {y, total}).region = r.over({{6}});
  static std::string asked;
  asked.clear();
  const auto note = [](const char* what, uint32_t op, uint32_t result, uint32_t operand) {
    asked += lamina::describe(what, " ", op, " ", result, " ", operand, "; ");
  };
  static const auto keep = note;
  lamina_planner planner{};
  planner.size = sizeof planner;
  planner.overwrite = [](void*, uint32_t op, uint32_t result, uint32_t operand) { keep("overwrite", op, result, operand); };
  planner.view = [](void*, uint32_t op, uint32_t result, uint32_t operand) { keep("view", op, result, operand); };
  s.must(s.table->prepare(&s.host, s.scope(), s.object, &p.view(), &planner, nullptr));
  CHECK(asked == "view 0 0 0; overwrite 1 0 0; ");
}

TEST_CASE("reference: a program of an older header is read") {  // ops that end before `scratch`, programs that end before `name`
  Session s(library);
  Program p;
  const uint32_t x = p.input({{2}, {1, 2}}), y = p.temporary({2});
  p.op("copy", {x}, {y}).size = uint32_t(offsetof(lamina_program_op, scratch));
  p.show(y);
  std::vector<std::byte> shorter(p.ops[0].size);
  std::memcpy(shorter.data(), p.ops.data(), shorter.size());
  lamina_program program = p.view();
  program.size = uint32_t(offsetof(lamina_program, name));
  program.ops = reinterpret_cast<const lamina_program_op*>(shorter.data());
  program.name = reinterpret_cast<const char*>(1);
  void* executable = nullptr;
  s.must(s.table->compile(&s.host, s.scope(), s.object, &program, &executable));
  s.table->release(executable);
}
