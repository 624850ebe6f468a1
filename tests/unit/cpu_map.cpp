// Fused regions of the backend cpu, held to the reference.
#include "cpu_check.hpp"

using namespace bench;

namespace {

constexpr DType f32 = DType::float32;
constexpr double inf = std::numeric_limits<double>::infinity();

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
  agree(
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

TEST_CASE("cpu: functions of one real, special values included") {
  for (const char* op : {"negate", "abs", "sign", "floor", "exp", "expm1", "log", "log1p", "sqrt", "rsqrt", "tanh", "sigmoid", "softplus",
                         "erf", "sin", "cos", "stop_gradient"}) {
    // relative to each element: the distance of one-element tensors
    Program p, q;
    const Array x = special();
    Region r(1);
    r.result(r.add(op, {0}, f32));
    for (Program* one : {&p, &q}) {
      const uint32_t in = one->input(x), out = one->temporary(x.shape, f32);
      one->op("map", {in}, {out}).region = r.over({x.shape});
      one->show(out);
    }
    const Numbers wanted = p.run(reference_session())[0], got = Planned(q, cpu_session(1), false).run()[0];
    for (size_t i = 0; i < wanted.size(); ++i) {
      const bool same = got[i] == wanted[i] || (std::isnan(got[i]) && std::isnan(wanted[i])) ||
                        std::fabs(got[i] - wanted[i]) <= 4e-7 * std::fabs(wanted[i]) + 2e-44;
      CHECK_MESSAGE(same, op << "(" << x.data[i] << ") = " << got[i] << ", wanted " << wanted[i]);
    }
  }
}

TEST_CASE("cpu: functions of two, of all types, with broadcasting") {
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

TEST_CASE("cpu: casts between all types") {
  const DType types[] = {f32, DType::int32, DType::uint32, DType::uint8, DType::boolean};
  for (DType from : types)
    for (DType to : types) {
      Array x = wild({3, 5, 11}, 4, from);
      if (from == f32) x.data[0] = not_a_number, x.data[1] = 1e20, x.data[2] = -1e20, x.data[3] = 300, x.data[4] = -3, x.data[5] = 3e9;
      instruction_agrees("cast", {x}, to, x.shape, 0);
    }
}

TEST_CASE("cpu: reductions over any axes, closed by any kind") {
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
        agree(
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
    agree(
        "integer reductions",
        [&](Program& p) {
          const std::vector<uint32_t> outs = {p.temporary({1, 7, 1}, t), p.temporary({5, 1, 3}, t), p.temporary({1, 1, 1}, t)};
          p.op("map", {p.input(wild({5, 7, 3}, 1, t))}, outs).region = region;
          for (uint32_t o : outs) p.show(o);
        },
        0);
  }
}

TEST_CASE("cpu: random bits and coordinates, in channels-last order") {
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
    agree(
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

TEST_CASE("cpu: one update over many parameters, in place") {
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
  Session own(std::string(LAMINA_PLUGINS) + "/backends/cpu.so", {{"threads", int64_t(2)}});
  const auto got = Planned(program, own, true).run();
  for (size_t o = 0; o < wanted.size(); ++o) CHECK(distance(got[o], wanted[o]) <= 1e-6);
}
