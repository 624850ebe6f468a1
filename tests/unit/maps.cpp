// Fused regions of the backends that plan, held to the reference.
#include "cpu_check.hpp"

using namespace bench;

namespace {

constexpr DType f32 = DType::float32;
constexpr double inf = std::numeric_limits<double>::infinity();

/// Both sorts of kernels of `vulkan` where it has a device.
const std::vector<Tested>& sessions() {
  static const std::vector<Tested> all = [] {
    std::vector<Tested> list = cpu_sessions();
    try {
      static Session lanes(std::string(LAMINA_PLUGINS) + "/backends/vulkan.so", {{"kernels", "lanes"}});
      static Session tiled(std::string(LAMINA_PLUGINS) + "/backends/vulkan.so", {{"kernels", "tiled"}});
      list.push_back({"vulkan, lanes", &lanes}), list.push_back({"vulkan, tiled", &tiled});
    } catch (const std::exception& e) {
      MESSAGE("vulkan is not tested: ", std::string(e.what()));
    }
    return list;
  }();
  return all;
}
void maps_agree(const std::string& what, const std::function<void(Program&)>& build, double tolerance) {
  agree(what, build, tolerance, sessions());
}

/// One instruction over operands that broadcast to `space`.
void instruction_agrees(const char* op, const std::vector<Array>& in, DType result, const Shape& space, double tolerance,
                        const std::vector<Attribute>& attributes = {}) {
  std::string what = op;
  for (auto& a : in) what += std::string(" ") + lamina::name_of(a.dtype) + lamina::piece(a.shape);
  Region r(uint32_t(in.size()));
  std::vector<uint32_t> numbers;
  for (size_t i = 0; i < in.size(); ++i) numbers.push_back(uint32_t(i));
  r.result(r.add(op, numbers, result, attributes));
  const lamina_region* region = r.over({space});
  maps_agree(
      what,
      [&](Program& p) {
        std::vector<uint32_t> ins;
        for (auto& a : in) ins.push_back(p.input(a));
        const uint32_t out = p.temporary(space, result);
        p.op("map", ins, {out}).region = region;
        p.show(out);
      },
      tolerance);
}

Array special() {
  Array a = wild({1, 601}, 5);
  const double numbers[] = {0.0,   -0.0,   1,      -1,    inf,    -inf,  not_a_number, 1e-40,      -1e-40, 3.4e38, -3.4e38, 30,  -30,  88.8,
                            -88.8, -103.5, -104.5, 0.625, -0.625, 1e-30, 1e30,         -0.9999999, 2,      1e6,    -1e6,    0.5, -0.5, 1e5};
  for (size_t i = 0; i < std::size(numbers); ++i) a.data[i * 7] = double(float(numbers[i]));
  return a;
}

}  // namespace

TEST_CASE("maps: functions of one real, special values included") {
  for (const char* op : {"negate", "abs", "sign", "floor", "exp", "expm1", "log", "log1p", "sqrt", "rsqrt", "tanh", "sigmoid", "softplus",
                         "erf", "sin", "cos", "stop_gradient"}) {
    // relative to each element: the distance of one-element tensors
    const Array x = special();
    Region r(1);
    r.result(r.add(op, {0}, f32));
    const auto build = [&](Program& p) {
      const uint32_t in = p.input(x), out = p.temporary(x.shape, f32);
      p.op("map", {in}, {out}).region = r.over({x.shape});
      p.show(out);
    };
    Program truth;
    build(truth);
    const Numbers wanted = truth.run(reference_session())[0];
    for (const Tested& tested : sessions()) {
      Program p;
      build(p);
      const Numbers got = Planned(p, *tested.session, false).run()[0];
      for (size_t i = 0; i < wanted.size(); ++i) {
        const bool same = got[i] == wanted[i] || (std::isnan(got[i]) && std::isnan(wanted[i])) ||
                          std::fabs(got[i] - wanted[i]) <= 4e-7 * std::fabs(wanted[i]) + 2e-44;
        CHECK_MESSAGE(same, tested.name << ": " << op << "(" << x.data[i] << ") = " << got[i] << ", wanted " << wanted[i]);
      }
    }
  }
}

TEST_CASE("maps: functions of two, of all types, with broadcasting") {
  const Array x = special();
  Array y = x;
  std::rotate(y.data.begin(), y.data.begin() + 91, y.data.end());
  for (const char* op : {"add", "subtract", "multiply", "divide", "minimum", "maximum", "pow"})
    instruction_agrees(op, {x, y}, f32, x.shape, 1e-6);
  for (const char* op : {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}) {
    instruction_agrees(op, {x, y}, DType::boolean, x.shape, 0);
    for (DType t : {DType::int32, DType::uint32, DType::uint8, DType::boolean})
      instruction_agrees(op, {wild({3, 57}, 1, t), wild({3, 57}, 2, t)}, DType::boolean, {3, 57}, 0);
  }
  for (const char* op : {"add", "subtract", "multiply", "divide", "minimum", "maximum"})
    for (DType t : {DType::int32, DType::uint32, DType::uint8}) {
      Array zeros = wild({3, 57}, 2, t);
      zeros.data[0] = 0;
      instruction_agrees(op, {wild({3, 57}, 1, t), zeros}, t, {3, 57}, 0);
    }
  for (const char* op : {"logical_and", "logical_or"})
    instruction_agrees(op, {wild({99}, 1, DType::boolean), wild({99}, 2, DType::boolean)}, DType::boolean, {99}, 0);
  instruction_agrees("logical_not", {wild({99}, 1, DType::boolean)}, DType::boolean, {99}, 0);
  for (const char* op : {"negate", "abs", "sign", "floor"})
    for (DType t : {DType::int32, DType::uint32, DType::uint8}) instruction_agrees(op, {wild({99}, 3, t)}, t, {99}, 0);
  for (DType t : {f32, DType::int32, DType::uint8})
    instruction_agrees("select", {wild({5, 1, 7}, 1, DType::boolean), wild({5, 3, 7}, 2, t), wild({3, 1}, 3, t)}, t, {5, 3, 7}, 0);
  instruction_agrees("shift_right", {wild({99}, 1, DType::uint32)}, DType::uint32, {99}, 0, {{"bits", 3}});

  const Shape spaces[] = {{2, 3, 5, 7}, {4, 6, 9}, {3, 17, 2, 3, 5}, {1, 1}, {64, 6, 14, 14}, {5, 2000}};
  for (const Shape& s : spaces) {
    Shape channel(s.size(), 1), row(s.size(), 1), column = s, single = {1};
    channel[1] = s[1], row[0] = s[0], column[0] = 1;
    for (const Shape& other : {channel, row, column, single, s}) {
      instruction_agrees("multiply", {wild(s, 1), wild(other, 2)}, f32, s, 0);
      instruction_agrees("subtract", {wild(other, 1), wild(s, 2)}, f32, s, 0);
    }
    instruction_agrees("add", {wild(channel, 1), wild(row, 2)}, f32, s, 0);
  }
}

TEST_CASE("maps: casts between all types") {
  const DType types[] = {f32, DType::int32, DType::uint32, DType::uint8, DType::boolean};
  for (DType from : types)
    for (DType to : types) {
      Array x = wild({3, 5, 11}, 4, from);
      if (from == f32) x.data[0] = not_a_number, x.data[1] = 1e20, x.data[2] = -1e20, x.data[3] = 300, x.data[4] = -3, x.data[5] = 3e9;
      instruction_agrees("cast", {x}, to, x.shape, 0);
    }
}

TEST_CASE("maps: reductions over any axes, closed by any kind") {
  const Shape spaces[] = {{2, 3, 5, 7}, {64, 6, 14, 14}, {3, 5}, {40, 1100}, {7, 2, 3, 4, 5}, {6, 30, 9}};
  for (const Shape& s : spaces)
    for (uint32_t mask = 0; mask < (1u << s.size()); ++mask)
      for (const uint32_t kind : {LAMINA_SUM, LAMINA_MAX, LAMINA_MIN}) {
        Shape reduced = s;
        for (size_t a = 0; a < s.size(); ++a)
          if (mask >> a & 1) reduced[a] = 1;
        Array x = wild(s, mask + 1, f32, 0.01);
        if (kind != LAMINA_SUM && mask) x.data[x.data.size() / 2] = not_a_number;
        Region r(2);
        const uint32_t y = r.add("multiply", {0, 1}, f32);
        r.result(y, kind);
        if (mask & 1) r.result(y);
        const lamina_region* region = r.over({s});
        maps_agree(
            "reduce " + lamina::piece(s) + " to " + lamina::piece(reduced),
            [&](Program& p) {
              const uint32_t in = p.input(x), factor = p.scalar(1.5), out = p.temporary(reduced, f32);
              std::vector<uint32_t> outs = {out};
              if (mask & 1) outs.push_back(p.temporary(s, f32));
              p.op("map", {in, factor}, outs).region = region;
              for (uint32_t o : outs) p.show(o);
            },
            1e-6);
      }
  for (DType t : {DType::int32, DType::uint32}) {
    Region r(1);
    const uint32_t y = r.add("stop_gradient", {0}, t);
    r.result(y, LAMINA_SUM), r.result(y, LAMINA_MAX), r.result(y, LAMINA_MIN);
    const lamina_region* region = r.over({{5, 7, 3}});
    maps_agree(
        "integer reductions",
        [&](Program& p) {
          const std::vector<uint32_t> outs = {p.temporary({1, 7, 1}, t), p.temporary({5, 1, 3}, t), p.temporary({1, 1, 1}, t)};
          p.op("map", {p.input(wild({5, 7, 3}, 1, t))}, outs).region = region;
          for (uint32_t o : outs) p.show(o);
        },
        0);
  }
}

TEST_CASE("maps: random bits and coordinates, in channels-last order") {
  for (const Shape& s : {Shape{2, 3, 5, 7}, Shape{70, 3}, Shape{1000}, Shape{16, 8, 20, 9}, Shape{3, 2, 4, 5, 3}}) {
    Region r(1);
    const uint32_t bits = r.add("random_bits", {}, DType::uint32, {{"key", int64_t(0x123456789abcdef)}, {"stream", "layer/mask"}});
    const uint32_t shifted = r.add("shift_right", {bits}, DType::uint32, {{"bits", 8}});
    const uint32_t real = r.add("cast", {shifted}, f32);
    const uint32_t scale = r.add("constant", {}, f32, {{"value", 1.0 / (1 << 24)}});
    const uint32_t uniform = r.add("multiply", {real, scale}, f32);
    const uint32_t keep = r.add("less", {uniform, 0}, DType::boolean);
    std::vector<uint32_t> all = {uniform, keep};
    for (size_t a = 0; a < s.size(); ++a) {
      const uint32_t at = r.add("iota", {}, a % 2 ? f32 : DType::int32, {{"axis", int64_t(a)}});
      all.push_back(at);
    }
    for (uint32_t n : all) r.result(n);
    const lamina_region* region = r.over({s});
    maps_agree(
        "random bits of " + lamina::piece(s),
        [&](Program& p) {
          std::vector<uint32_t> outs = {p.temporary(s, f32), p.temporary(s, DType::boolean)};
          for (size_t a = 0; a < s.size(); ++a) outs.push_back(p.temporary(s, a % 2 ? f32 : DType::int32));
          p.op("map", {p.scalar(0.5)}, outs).region = region;
          for (uint32_t o : outs) p.show(o);
        },
        0);
  }
}

TEST_CASE("maps: one update over many parameters, in place") {
  const std::vector<Shape> shapes = {{6, 1, 5, 5}, {6}, {16, 6, 5, 5}, {120, 400}, {10, 84}, {3}, {1}};
  Region r(5);  // w, v, g, rate, momentum
  const uint32_t scaled = r.add("multiply", {1, 4}, f32), v = r.add("add", {scaled, 2}, f32), step = r.add("multiply", {v, 3}, f32),
                 w = r.add("subtract", {0, step}, f32);
  r.result(w), r.result(v);
  const lamina_region* region = r.over(shapes);
  const auto build = [&](Program& p, bool states) {
    std::vector<uint32_t> ins, outs;
    const uint32_t rate = p.scalar(0.1), momentum = p.scalar(0.9);
    for (uint32_t i = 0; i < shapes.size(); ++i) {
      const auto source = [&](uint32_t k) { return p.input(wild(shapes[i], 3 * i + k)); };
      uint32_t olds[2];
      for (uint32_t k = 0; k < 2; ++k) {
        olds[k] = source(k);
        if (!states) continue;
        const uint32_t state = p.value(LAMINA_STATE, f32, shapes[i], 2 * i + k);
        p.op("copy", {olds[k]}, {state});
        olds[k] = state;
      }
      ins.insert(ins.end(), {olds[0], olds[1], source(2), rate, momentum});
      for (uint32_t k = 0; k < 2; ++k)
        outs.push_back(states ? p.value(LAMINA_STATE, f32, shapes[i], 2 * i + k) : p.temporary(shapes[i], f32));
    }
    p.op("map", ins, outs).region = region;
    for (uint32_t o : outs) p.show(o);
  };
  Program plain;
  build(plain, false);
  const auto wanted = plain.run(reference_session());
  Program program;
  build(program, true);
  const auto holds = [&](const char* backend, std::vector<Attribute> settings) {
    CAPTURE(backend);
    Session own(std::string(LAMINA_PLUGINS) + "/backends/" + backend + ".so", std::move(settings));  // the state is created once
    const auto got = Planned(program, own, true).run();
    for (size_t o = 0; o < wanted.size(); ++o) CHECK(distance(got[o], wanted[o]) <= 1e-6);
  };
  holds("cpu", {{"threads", int64_t(2)}});
  for (const Tested& tested : sessions())
    if (tested.name.starts_with("vulkan")) holds("vulkan", {{"kernels", tested.name == "vulkan, lanes" ? "lanes" : "tiled"}});
}

TEST_CASE("maps: sums of many tensors, and maps of the sums right behind them") {
  const std::vector<Shape> shapes = {{6, 1, 5, 5}, {6}, {16, 6, 5, 5}, {120, 400}, {10, 84}, {3}, {1}};
  Region squares(1), total(uint32_t(shapes.size()));
  const uint32_t square = squares.add("multiply", {0, 0}, f32);
  squares.result(square, LAMINA_SUM), squares.result(square, LAMINA_MAX);
  const lamina_region* each = squares.over(shapes);
  uint32_t sum = total.add("sqrt", {0}, f32);
  for (uint32_t i = 1; i < shapes.size(); ++i) sum = total.add("add", {sum, i}, f32);
  total.result(sum);
  const lamina_region* all = total.over({{1, 1, 1, 1}});
  maps_agree(
      "norms",
      [&](Program& p) {
        std::vector<uint32_t> ins, outs, sums;
        for (auto& s : shapes) {
          ins.push_back(p.input(wild(s, uint32_t(ins.size()), f32, 0.1)));
          for (int k = 0; k < 2; ++k) outs.push_back(p.temporary(Shape(s.size(), 1), f32));
          sums.push_back(outs[outs.size() - 2]);
        }
        p.op("map", ins, outs).region = each;
        const uint32_t norm = p.temporary({1, 1, 1, 1}, f32);
        p.op("map", sums, {norm}).region = all;
        for (uint32_t o : outs) p.show(o);
        p.show(norm);
      },
      1e-6);

  for (const Shape& s : {Shape{9, 8, 14, 14}, Shape{40, 6, 7, 7}, Shape{3, 5}, Shape{2, 300, 64, 1}}) {
    Shape channels(s.size(), 1);
    channels[1] = s[1];
    Region r(1), mean(2);
    const uint32_t x = r.add("stop_gradient", {0}, f32);
    r.result(x, LAMINA_SUM);
    const uint32_t scaled = mean.add("multiply", {0, 1}, f32);
    mean.result(scaled), mean.result(mean.add("subtract", {scaled, 0}, f32));
    const lamina_region *first = r.over({s}), *second = mean.over({channels});
    maps_agree(
        "mean of " + lamina::piece(s),
        [&](Program& p) {
          const std::vector<uint32_t> out = {p.temporary(channels, f32), p.temporary(channels, f32), p.temporary(channels, f32)};
          p.op("map", {p.input(wild(s, 1))}, {out[0]}).region = first;
          p.op("map", {out[0], p.input(wild(channels, 2))}, {out[1], out[2]}).region = second;
          for (uint32_t o : out) p.show(o);
        },
        2e-6);
  }
}

TEST_CASE("maps: long sums are accurate") {
  for (const Shape& s : {Shape{1000003}, Shape{1000, 1001}, Shape{25000, 40}}) {
    Array x{s, Numbers(size_t(lamina::element_count(s)), double(0.1f)), f32};
    for (size_t mask = 1; mask < (1u << s.size()); ++mask) {
      Shape to = s;
      for (size_t a = 0; a < s.size(); ++a)
        if (mask >> a & 1) to[a] = 1;
      Region r(1);
      r.result(r.add("stop_gradient", {0}, f32), LAMINA_SUM);
      const lamina_region* region = r.over({s});
      maps_agree(
          "sum of " + lamina::piece(s) + " to " + lamina::piece(to),
          [&](Program& p) {
            const uint32_t out = p.temporary(to, f32);
            p.op("map", {p.input(x)}, {out}).region = region;
            p.show(out);
          },
          4e-6);
    }
  }
}

TEST_CASE("maps: more operands than a shader can bind") {
  Region r(40);
  uint32_t sum = 0;
  for (uint32_t i = 1; i < 40; ++i) sum = r.add("add", {sum, i}, f32);
  const uint32_t positive = r.add("greater", {sum, 0}, DType::boolean);
  r.result(sum), r.result(positive), r.result(sum, LAMINA_SUM);
  for (const Shape& s : {Shape{3, 5}, Shape{1, 1}, Shape{4, 8, 2, 2}}) {
    const lamina_region* region = r.over({s});
    maps_agree(
        "40 operands " + lamina::piece(s),
        [&](Program& p) {
          std::vector<uint32_t> ins;
          for (uint32_t i = 0; i < 40; ++i) ins.push_back(p.input(wild(i % 3 ? s : Shape(s.size(), 1), i)));
          const std::vector<uint32_t> outs = {p.temporary(s, f32), p.temporary(s, DType::boolean), p.temporary(Shape(s.size(), 1), f32)};
          p.op("map", ins, outs).region = region;
          for (uint32_t o : outs) p.show(o);
        },
        2e-6);
  }
}

TEST_CASE("maps: tensors between ops in 16 bits") {
  struct Way {
    const char* library;
    std::vector<Attribute> settings;
  };
  std::vector<Way> ways = {{"cpu", {{"precision", "bfloat16"}, {"threads", 3}}}};
  if (sessions().size() > 2)
    for (const char* precision : {"bfloat16", "float16"})
      for (const char* kernels : {"lanes", "tiled"}) ways.push_back({"vulkan", {{"precision", precision}, {"kernels", kernels}}});
  for (const Way& way : ways) {
    std::string name = way.library;
    for (auto& a : way.settings) name += ", " + (a.texts.empty() ? a.name : a.texts[0]);
    Session session(std::string(LAMINA_PLUGINS) + "/backends/" + way.library + ".so", way.settings);
    for (const Shape& s : {Shape{4, 8, 9, 7}, Shape{30, 60}, Shape{3, 12, 31}, Shape{2, 4, 7, 5, 6}, Shape{6, 40, 301}}) {
      Shape channels(s.size(), 1), rows = s;
      channels[1] = s[1], rows[1] = 1;
      Region scale(2), sums(2);
      scale.result(scale.add("multiply", {0, 1}, f32));
      const uint32_t y = sums.add("add", {0, 1}, f32), positive = sums.add("greater", {y, 0}, DType::boolean);
      sums.result(y), sums.result(positive), sums.result(y, LAMINA_SUM), sums.result(y, LAMINA_MAX), sums.result(y, LAMINA_SUM);
      const lamina_region *first = scale.over({s}), *second = sums.over({s});
      uint32_t between = 0;
      const auto build = [&](Program& p) {
        const uint32_t other = p.temporary(s, f32);
        between = p.temporary(s, f32);
        const std::vector<uint32_t> out = {other, p.temporary(s, DType::boolean), p.temporary(channels, f32), p.temporary(rows, f32),
                                           p.temporary(Shape(s.size(), 1), f32)};
        p.op("map", {p.input(wild(s, 1)), p.input(wild(channels, 2))}, {between}).region = first;
        p.op("map", {between, p.input(wild(rows, 3))}, out).region = second;
        const uint32_t last = p.temporary(s, f32);
        p.op("map", {other, between}, {last}).region = first;
        for (size_t i = 2; i < out.size(); ++i) p.show(out[i]);
        p.show(last);
      };
      agree("between " + lamina::piece(s), build, 0.02, {{name, &session}});
      Program p;
      build(p);
      const Planned planned(p, session, false);
      CHECK(planned.value(between).bytes == 2 * uint64_t(lamina::element_count(s)));
    }
  }
}
