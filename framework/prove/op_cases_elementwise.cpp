#include <lamina/kernel.hpp>

#include "prove/op_cases.hpp"

namespace lamina::prove {
namespace {

/// y = x / (c + |x|), and as a second result x².
struct TwoResults {
  static constexpr const char* name = "two_results";
  static constexpr int inputs = 1, results = 2;
  template <class T>
  static void cpu(const Work<T>& k) {
    for (int64_t i = k.begin; i < k.end; ++i) {
      k.out(0)[i] = k.in(0)[i] / (k.constant(0) + std::abs(k.in(0)[i]));
      k.out(1)[i] = k.in(0)[i] * k.in(0)[i];
    }
  }
  static constexpr const char* glsl = "void item(uint i) { float x = in0(i); out0(i, x / (c0 + abs(x))); out1(i, x * x); }";
  static Tensors gradient(Scope&, const Tensors& x, const Tensors&, const Tensors& dy, const double* c) {
    Tensor d;
    if (dy[0]) d = dy[0] * c[0] / square(c[0] + abs(x[0]));
    if (dy[1]) d = d ? d + dy[1] * 2 * x[0] : dy[1] * 2 * x[0];
    return {d};
  }
};

const std::vector<Shape> shapes = {{}, {1}, {3, 5, 7}, {2, 17}, {2, 3, 1, 4, 5}};
const std::vector<std::pair<Shape, Shape>> pairs = {
    {{}, {}}, {{1}, {1}}, {{3, 5, 7}, {3, 5, 7}}, {{2, 3, 5}, {3, 1}}, {{7, 1, 3}, {1, 4, 1}}, {{}, {2, 13}}, {{2, 3, 4, 5}, {1, 3, 1, 1}}};
const std::vector<Range> all = {Range::general, Range::near_zero, Range::near_one, Range::thirty, Range::ties, Range::special};
const std::vector<Range> moderate = {Range::general, Range::near_zero, Range::near_one, Range::special};

}  // namespace

std::vector<OpCase> elementwise_cases() {
  std::vector<OpCase> list;
  const auto unary = [&](const char* op, Domain domain, const std::vector<Range>& ranges = all) {
    for (auto& s : shapes) list.push_back({op, {{s, domain}}, {}, ranges});
  };
  for (const char* op :
       {"negate", "abs", "sign", "floor", "exp", "expm1", "tanh", "sigmoid", "softplus", "erf", "sin", "cos", "stop_gradient"})
    unary(op, Domain::real);
  for (const char* op : {"log", "sqrt", "rsqrt"}) unary(op, Domain::positive);
  unary("log1p", Domain::above_minus_one, {Range::general, Range::near_zero, Range::near_one, Range::thirty, Range::special});
  const auto binary = [&](const char* op, Domain a, Domain b, const std::vector<Range>& ranges = all) {
    for (auto& [l, r] : pairs) list.push_back({op, {{l, a}, {r, b}}, {}, ranges});
  };
  for (const char* op :
       {"add", "subtract", "multiply", "minimum", "maximum", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal"})
    binary(op, Domain::real, Domain::real);
  binary("divide", Domain::real, Domain::nonzero);
  binary("pow", Domain::positive, Domain::real, moderate);

  // Whole numbers.
  for (const char* op : {"add", "subtract", "multiply", "minimum", "maximum", "divide", "less", "equal"})
    list.push_back({op, {whole({3, 5}, -9, 9), whole({5}, -3, 3)}, {}, {Range::general}});
  for (const char* op : {"add", "subtract", "multiply"})
    list.push_back({op, {whole({7}, 0, UINT32_MAX, DType::uint32), whole({2, 7}, 0, UINT32_MAX, DType::uint32)}, {}, {Range::general}});
  list.push_back({"negate", {whole({11}, -9, 9)}, {}, {Range::general}});
  list.push_back({"abs", {whole({11}, -9, 9)}, {}, {Range::general}});

  for (auto& [l, r] : pairs) {
    list.push_back({"logical_and", {truth(l), truth(r)}, {}, {Range::general}});
    list.push_back({"logical_or", {truth(l), truth(r)}, {}, {Range::general}});
    list.push_back({"select", {truth(l), real(r), real(l)}, {}, all});
  }
  for (auto& s : shapes) list.push_back({"logical_not", {truth(s)}, {}, {Range::general}});
  list.push_back({"select", {truth({3, 1}), whole({5}, -9, 9), whole({1}, -9, 9)}, {}, {Range::general}});
  list.push_back(
      {"select", {truth({3, 5})}, {}, {Range::general}, [](Scope&, const Tensors& x) -> Tensors { return {select(x[0], 1, -2.5)}; }});
  // Lone numbers meet tensors.
  list.push_back({"maximum", {real({3, 7})}, {}, all, [](Scope&, const Tensors& x) -> Tensors { return {relu(x[0])}; }});
  list.push_back({"pow", {real({13})}, {}, {Range::general, Range::near_one}, [](Scope&, const Tensors& x) -> Tensors {
                    return {pow(x[0], 3), pow(x[0], 2) - 1};
                  }});

  for (auto& s : shapes) list.push_back({"cast", {real(s)}, {{"dtype", DType::int32}}, {Range::general, Range::thirty, Range::special}});
  list.push_back({"cast", {real({3, 5})}, {{"dtype", DType::boolean}}, {Range::general, Range::ties, Range::special}});
  list.push_back({"cast", {real({3, 5})}, {{"dtype", DType::uint8}}, {Range::general, Range::thirty, Range::special}});
  list.push_back({"cast", {real({3, 5})}, {{"dtype", DType::uint32}}, {Range::thirty, Range::special}});
  list.push_back({"cast", {real({3, 5})}, {}, all});
  list.push_back({"cast", {whole({3, 5}, 0, 255, DType::uint8)}, {}, {Range::general}});
  list.push_back({"cast", {whole({3, 5}, 0, 255, DType::uint8)}, {{"dtype", DType::int32}}, {Range::general}});
  list.push_back({"cast", {whole({7}, -100000, 100000)}, {}, {Range::general}});
  list.push_back({"cast", {whole({7}, -3, 300)}, {{"dtype", DType::uint8}}, {Range::general}});
  list.push_back({"cast", {truth({2, 9})}, {}, {Range::general}});
  list.push_back({"cast", {whole({13}, 0, UINT32_MAX, DType::uint32)}, {}, {Range::general}});

  for (auto& [s, bits] : std::vector<std::pair<Shape, int>>{{{}, 0}, {{1}, 1}, {{3, 11}, 8}, {{2, 1, 7}, 31}})
    list.push_back({"shift_right", {whole(s, 0, UINT32_MAX, DType::uint32)}, {{"bits", bits}}, {Range::general}});
  for (auto& [from, to] :
       std::vector<std::pair<Shape, Shape>>{{{}, {3}}, {{1}, {1, 7, 1}}, {{3, 1, 5}, {2, 3, 4, 5}}, {{5}, {3, 5}}, {{2, 3}, {2, 3}}})
    list.push_back({"broadcast", {real(from)}, {{"shape", to}}, all});
  for (auto& s : std::vector<Shape>{{1}, {17}, {3, 5, 7}, {2, 3, 4, 5}}) {
    list.push_back({"iota", {}, {{"shape", s}, {"axis", -1}}, {Range::general}});
    list.push_back({"iota", {}, {{"shape", s}, {"axis", 0}, {"dtype", DType::int32}}, {Range::general}});
  }
  for (auto& s : std::vector<Shape>{{}, {1}, {131}, {5, 33}, {2, 3, 7}, {3, 5, 4, 7}, {2, 17, 2, 3, 5}})
    list.push_back({"random_bits", {}, {{"shape", s}, {"stream", "noise"}}, {Range::general}});

  for (auto& s : shapes)
    list.push_back({"kernel",
                    {real(s)},
                    {},
                    {Range::general, Range::near_zero, Range::near_one, Range::thirty},
                    [](Scope& scope, const Tensors& x) -> Tensors {
                      return run<TwoResults>(scope, {x[0]}, {x[0].shape(), x[0].shape()}, element_count(x[0].shape()), {0.5});
                    }});
  return list;
}

}  // namespace lamina::prove
