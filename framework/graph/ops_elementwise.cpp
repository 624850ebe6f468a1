// Elementwise ops. Operands broadcast. Lone numbers (hosted values) take the type of the tensors they meet.
#include <algorithm>
#include <cmath>

#include "graph/op.hpp"

namespace lamina::graph {
namespace {

using Call = const GradientCall&;
enum class Rule { arithmetic, real, compare, logical };

/// The common type of all operands that are tensors; float64 on the host when there is none.
DType common(Inference& in, size_t from = 0) {
  const Value* first = nullptr;
  for (size_t i = from; i < in.in.size(); ++i) {
    const Value* v = in.in[i];
    if (!v) in.refuse("operand ", i, " is absent");
    if (v->hosted) continue;
    if (first && first->type.dtype != v->type.dtype)
      in.refuse("operands differ in type: ", to_text(first->type), " and ", to_text(v->type), "; cast one");
    first = first ? first : v;
  }
  return first ? first->type.dtype : DType::float64;
}
void mark_hosted(Inference& in) {
  in.hosted = true;
  for (auto* v : in.in) in.hosted = in.hosted && v && v->hosted;
}
std::vector<TensorType> infer(Inference& in, Rule rule) {
  mark_hosted(in);
  const DType type = common(in);
  const bool real = type <= DType::bfloat16;
  if (!in.hosted) {
    if (rule == Rule::real && !real)
      in.refuse("wants real numbers, got ", to_text(in.in[0]->hosted ? in.type(1) : in.type(0)), "; cast it first");
    if (rule == Rule::arithmetic && (type == DType::uint8 || type == DType::boolean))
      in.refuse("does not compute in uint8 or bool; cast it first");
    if (rule == Rule::logical && type != DType::boolean) in.refuse("wants bool operands");
  }
  return {{rule == Rule::compare || rule == Rule::logical ? DType::boolean : type, broadcast_shape(in)}};
}

/// An op of `arity` operands whose value on the host is f of them.
template <uint32_t arity, class F>
Op op(const char* name, const char* doc, Rule rule, F f, std::function<Tensors(Call)> gradient) {
  return {name,
          doc,
          OpKind::elementwise,
          arity,
          arity,
          {},
          [rule](Inference& in) { return infer(in, rule); },
          gradient,
          nullptr,
          [f](const Node&, double a, [[maybe_unused]] double b, double) {
            if constexpr (arity == 1)
              return double(f(a));
            else
              return double(f(a, b));
          }};
}
double positive_part(double x) { return x > 0 ? x : x != x ? x : 0; }
/// A lone number cast to `type`; real numbers keep the host's precision until they meet a tensor.
double as_type(DType type, double x) {
  if (is_real(type)) return x;
  if (type == DType::boolean) return x != 0;
  if (x != x) return 0;
  const double least = type == DType::int32 ? INT32_MIN : 0, most = type == DType::int32   ? INT32_MAX
                                                                    : type == DType::uint8 ? UINT8_MAX
                                                                                           : UINT32_MAX;
  return std::clamp(std::trunc(x), least, most);
}

}  // namespace

std::vector<Op> elementwise_ops() {
  const auto R = Rule::real;
  const auto A = Rule::arithmetic;
  std::vector<Op> list = {
      op<2>(
          "add", "a + b", A, [](double a, double b) { return a + b; },
          [](Call c) -> Tensors {
            return {c.dy[0], c.dy[0]};
          }),
      op<2>(
          "subtract", "a − b", A, [](double a, double b) { return a - b; },
          [](Call c) -> Tensors {
            return {c.dy[0], -c.dy[0]};
          }),
      op<2>(
          "multiply", "a · b", A, [](double a, double b) { return a * b; },
          [](Call c) -> Tensors {
            return {c.dy[0] * c.x[1], c.dy[0] * c.x[0]};
          }),
      op<2>(
          "divide", "a / b; integers: towards zero, and 0 for b = 0", A, [](double a, double b) { return a / b; },
          [](Call c) -> Tensors {
            return {c.dy[0] / c.x[1], -c.dy[0] * c.y[0] / c.x[1]};
          }),
      op<2>(
          "minimum", "the smaller; NaN if either is NaN; a tie is a's", A, [](double a, double b) { return a <= b || a != a ? a : b; },
          [](Call c) -> Tensors {
            const Tensor first = logical_or(c.x[0] <= c.y[0], isnan(c.x[0]));  // through y: x[1] need not be kept
            return {select(first, c.dy[0], 0), select(first, 0, c.dy[0])};
          }),
      op<2>(
          "maximum", "the larger; NaN if either is NaN; a tie is a's", A, [](double a, double b) { return a >= b || a != a ? a : b; },
          [](Call c) -> Tensors {
            const Tensor first = logical_or(c.x[0] >= c.y[0], isnan(c.x[0]));  // through y: x[1] need not be kept
            return {select(first, c.dy[0], 0), select(first, 0, c.dy[0])};
          }),
      op<2>(
          "pow", "a to the power b", R, [](double a, double b) { return std::pow(a, b); },
          [](Call c) -> Tensors {
            return {c.dy[0] * select(equal(c.x[1], 0), 0, c.x[1] * pow(c.x[0], c.x[1] - 1)),
                    c.dy[0] * select(equal(c.y[0], 0), 0, c.y[0] * log(c.x[0]))};
          }),
      op<1>(
          "negate", "−x", A, [](double x) { return -x; }, [](Call c) -> Tensors { return {-c.dy[0]}; }),
      op<1>(
          "abs", "|x|; derivative 0 at 0", A, [](double x) { return std::abs(x); },
          [](Call c) -> Tensors { return {c.dy[0] * sign(c.x[0])}; }),
      op<1>(
          "sign", "−1, 0 or 1; NaN stays NaN", A, [](double x) { return x > 0   ? 1
                                                                        : x < 0 ? -1
                                                                                : x; }, nullptr),
      op<1>(
          "floor", "the largest whole number that is not larger", R, [](double x) { return std::floor(x); }, nullptr),
      op<1>(
          "exp", "e^x", R, [](double x) { return std::exp(x); }, [](Call c) -> Tensors { return {c.dy[0] * c.y[0]}; }),
      op<1>(
          "expm1", "e^x − 1, exact near 0", R, [](double x) { return std::expm1(x); },
          [](Call c) -> Tensors { return {c.dy[0] * (c.y[0] + 1)}; }),
      op<1>(
          "log", "natural logarithm", R, [](double x) { return std::log(x); }, [](Call c) -> Tensors { return {c.dy[0] / c.x[0]}; }),
      op<1>(
          "log1p", "log(1 + x), exact near 0", R, [](double x) { return std::log1p(x); },
          [](Call c) -> Tensors { return {c.dy[0] / (c.x[0] + 1)}; }),
      op<1>(
          "sqrt", "√x", R, [](double x) { return std::sqrt(x); }, [](Call c) -> Tensors { return {c.dy[0] * 0.5 / c.y[0]}; }),
      op<1>(
          "rsqrt", "1 / √x", R, [](double x) { return 1 / std::sqrt(x); },
          [](Call c) -> Tensors { return {c.dy[0] * -0.5 * c.y[0] / c.x[0]}; }),
      op<1>(
          "tanh", "hyperbolic tangent", R, [](double x) { return std::tanh(x); },
          [](Call c) -> Tensors { return {c.dy[0] * (1 - c.y[0] * c.y[0])}; }),
      op<1>(
          "sigmoid", "1 / (1 + e^−x), without overflow", R,
          [](double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); },
          [](Call c) -> Tensors { return {c.dy[0] * c.y[0] * (1 - c.y[0])}; }),
      op<1>(
          "softplus", "log(1 + e^x), without overflow", R, [](double x) { return positive_part(x) + std::log1p(std::exp(-std::abs(x))); },
          [](Call c) -> Tensors { return {c.dy[0] * sigmoid(c.x[0])}; }),
      op<1>(
          "erf", "error function", R, [](double x) { return std::erf(x); },
          [](Call c) -> Tensors { return {c.dy[0] * (2 / std::sqrt(std::acos(-1.0))) * exp(-square(c.x[0]))}; }),
      op<1>(
          "sin", "sine of radians", R, [](double x) { return std::sin(x); }, [](Call c) -> Tensors { return {c.dy[0] * cos(c.x[0])}; }),
      op<1>(
          "cos", "cosine of radians", R, [](double x) { return std::cos(x); }, [](Call c) -> Tensors { return {-c.dy[0] * sin(c.x[0])}; }),
      op<2>(
          "equal", "a = b", Rule::compare, [](double a, double b) { return a == b; }, nullptr),
      op<2>(
          "not_equal", "a ≠ b; true where either is NaN", Rule::compare, [](double a, double b) { return a != b; }, nullptr),
      op<2>(
          "less", "a < b", Rule::compare, [](double a, double b) { return a < b; }, nullptr),
      op<2>(
          "less_equal", "a ≤ b", Rule::compare, [](double a, double b) { return a <= b; }, nullptr),
      op<2>(
          "greater", "a > b", Rule::compare, [](double a, double b) { return a > b; }, nullptr),
      op<2>(
          "greater_equal", "a ≥ b", Rule::compare, [](double a, double b) { return a >= b; }, nullptr),
      op<2>(
          "logical_and", "both", Rule::logical, [](double a, double b) { return a != 0 && b != 0; }, nullptr),
      op<2>(
          "logical_or", "either", Rule::logical, [](double a, double b) { return a != 0 || b != 0; }, nullptr),
      op<1>(
          "logical_not", "not", Rule::logical, [](double a) { return a == 0; }, nullptr),
      op<1>(
          "stop_gradient", "x, and no gradient through it", A, [](double x) { return x; }, nullptr),
  };
  list.push_back({"select",
                  "a where the condition holds, else b",
                  OpKind::elementwise,
                  3,
                  3,
                  {},
                  [](Inference& in) -> std::vector<TensorType> {
                    mark_hosted(in);
                    if (!in.in[0]) in.refuse("the condition is absent");
                    if (!in.in[0]->hosted && in.type(0).dtype != DType::boolean)
                      in.refuse("the condition must be bool, got ", to_text(in.type(0)));
                    DType type = common(in, 1);
                    if (!in.hosted && in.in[1]->hosted && in.in[2]->hosted) type = in.real;
                    return {{type, broadcast_shape(in)}};
                  },
                  [](Call c) -> Tensors {
                    return {Tensor(), select(c.x[0], c.dy[0], 0), select(c.x[0], 0, c.dy[0])};
                  },
                  nullptr,
                  [](const Node&, double c, double a, double b) { return c != 0 ? a : b; }});
  list.push_back({"cast",
                  "x in another type (absent: the program's real type); to whole numbers towards zero, saturating, NaN to 0; to bool x ≠ 0",
                  OpKind::elementwise,
                  1,
                  1,
                  {{"dtype", LAMINA_DTYPE, false}},
                  [](Inference& in) -> std::vector<TensorType> {
                    mark_hosted(in);
                    const DType to = in.find("dtype") ? DType(in.integer("dtype")) : in.real;
                    if (to < DType::float32 || to > DType::boolean) in.refuse("there is no such type");
                    if (!in.find("dtype")) in.attributes.emplace_back("dtype", to);
                    return {{in.hosted ? DType::float64 : to, in.shape(0)}};
                  },
                  [](Call c) -> Tensors { return {c.x[0].is_real() ? cast(c.dy[0], c.x[0].dtype()) : Tensor()}; },
                  nullptr,
                  [](const Node& n, double x, double, double) { return as_type(DType(n.integer("dtype")), x); }});
  list.push_back({"shift_right",
                  "uint32 x, shifted by `bits`",
                  OpKind::elementwise,
                  1,
                  1,
                  {{"bits", LAMINA_INTEGER, true}},
                  [](Inference& in) -> std::vector<TensorType> {
                    if (in.type(0).dtype != DType::uint32) in.refuse("wants uint32, got ", to_text(in.type(0)));
                    if (in.integer("bits") < 0 || in.integer("bits") > 31) in.refuse("bits must be in [0, 31]");
                    return {in.type(0)};
                  }});
  list.push_back({"broadcast",
                  "x repeated to `shape` by NumPy's rule",
                  OpKind::elementwise,
                  1,
                  1,
                  {{"shape", integer_list, true}},
                  [](Inference& in) -> std::vector<TensorType> {
                    const Shape &to = in.list("shape"), &from = in.shape(0);
                    checked_elements(in, to);
                    bool fits = from.size() <= to.size();
                    for (size_t i = 0; fits && i < from.size(); ++i) fits = from[i] == 1 || from[i] == to[to.size() - from.size() + i];
                    if (!fits) in.refuse(from, " does not broadcast to ", to);
                    return {{in.in[0]->hosted ? in.real : in.type(0).dtype, to}};
                  },
                  [](Call c) -> Tensors { return {c.dy[0]}; }});
  list.push_back({"iota",
                  "the coordinate along `axis`",
                  OpKind::elementwise,
                  0,
                  0,
                  {{"shape", integer_list, true}, {"axis", LAMINA_INTEGER, true}, {"dtype", LAMINA_DTYPE, false}},
                  [](Inference& in) -> std::vector<TensorType> {
                    checked_elements(in, in.list("shape"));
                    in.set("axis", checked_axis(in, in.integer("axis"), in.list("shape").size()));
                    return {{in.find("dtype") ? DType(in.integer("dtype")) : in.real, in.list("shape")}};
                  }});
  list.push_back({"random_bits",
                  "uint32 Philox bits of the layer's stream, one word per element, counted channels-last",
                  OpKind::elementwise,
                  0,
                  0,
                  {{"shape", integer_list, true}, {"stream", LAMINA_TEXT, false}, {"key", LAMINA_INTEGER, false}},
                  [](Inference& in) -> std::vector<TensorType> {
                    checked_elements(in, in.list("shape"));
                    return {{DType::uint32, in.list("shape")}};
                  }});
  return list;
}

}  // namespace lamina::graph
