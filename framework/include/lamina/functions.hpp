/// The language of formulas (lamina/expression.hpp): its functions and operators, each with a name, a sentence and the algebra that it
/// records. docs/expressions.md prints these tables.
#pragma once
#include <numbers>

#include "tensor.hpp"

namespace lamina::expression {

/// What a function of the language is called with.
struct Call {
  const Tensor& operator[](size_t i) const { return in[i]; }
  Scope& scope;
  Tensors in;          ///< at least one is a tensor of the graph, unless the function has no arguments
  Shape axes;          ///< of a function that takes them
  const Tensor& like;  ///< what random_uniform is shaped like, or nothing
  std::string stream;  ///< names the random numbers of this call
};
struct Function {
  const char *name, *arguments;  ///< "clip", "x, low, high"; axis stands for axis = 1 or axis = [2, 3], [axis] may be left out: all axes
  const char* doc;
  Tensor (*record)(const Call&);
};

/// The functions, in the order of the documents.
inline const std::vector<Function>& functions() {
  using C = const Call&;
  static const std::vector<Function> all = {
      {"abs", "x", "|x|", [](C c) { return abs(c[0]); }},
      {"sign", "x", "-1, 0 or 1", [](C c) { return sign(c[0]); }},
      {"floor", "x", "the largest whole number that is not larger", [](C c) { return floor(c[0]); }},
      {"square", "x", "x · x; x ^ 2 is the same", [](C c) { return square(c[0]); }},
      {"sqrt", "x", "√x", [](C c) { return sqrt(c[0]); }},
      {"rsqrt", "x", "1 / √x", [](C c) { return rsqrt(c[0]); }},
      {"pow", "x, y", "x to the power y, as x ^ y", [](C c) { return pow(c[0], c[1]); }},
      {"exp", "x", "e to the power x", [](C c) { return exp(c[0]); }},
      {"expm1", "x", "exp(x) − 1, exact near 0", [](C c) { return expm1(c[0]); }},
      {"log", "x", "natural logarithm", [](C c) { return log(c[0]); }},
      {"log1p", "x", "log(1 + x), exact near 0", [](C c) { return log1p(c[0]); }},
      {"sin", "x", "sine of radians", [](C c) { return sin(c[0]); }},
      {"cos", "x", "cosine of radians", [](C c) { return cos(c[0]); }},
      {"tanh", "x", "hyperbolic tangent", [](C c) { return tanh(c[0]); }},
      {"sigmoid", "x", "1 / (1 + exp(−x))", [](C c) { return sigmoid(c[0]); }},
      {"softplus", "x", "log(1 + exp(x))", [](C c) { return softplus(c[0]); }},
      {"relu", "x", "the larger of x and 0", [](C c) { return relu(c[0]); }},
      {"erf", "x", "error function", [](C c) { return erf(c[0]); }},
      {"minimum", "x, y", "the smaller of two, element by element", [](C c) { return minimum(c[0], c[1]); }},
      {"maximum", "x, y", "the larger of two, element by element", [](C c) { return maximum(c[0], c[1]); }},
      {"clip", "x, low, high", "x, at least low and at most high", [](C c) { return minimum(maximum(c[0], c[1]), c[2]); }},
      {"select", "condition, yes, no", "yes where the condition holds, else no", [](C c) { return select(c[0], c[1], c[2]); }},
      {"isnan", "x", "a condition: x is no number", [](C c) { return isnan(c[0]); }},
      {"stop_gradient", "x", "x, which counts as constant when gradients are taken", [](C c) { return stop_gradient(c[0]); }},
      {"sum", "x, [axis]", "sum over the axes", [](C c) { return sum(c[0], c.axes); }},
      {"mean", "x, [axis]", "mean over the axes",
       [](C c) {
         int64_t count = 1;
         for (int64_t axis : c.axes) count *= c[0].size(int(axis));
         return sum(c[0], c.axes) / double(count);
       }},
      {"max", "x, [axis]", "largest over the axes (of two: maximum)", [](C c) { return max(c[0], c.axes); }},
      {"min", "x, [axis]", "smallest over the axes (of two: minimum)", [](C c) { return min(c[0], c.axes); }},
      {"softmax", "x, axis", "positive numbers with sum 1 along one axis", [](C c) { return softmax(c[0], int(c.axes[0])); }},
      {"log_softmax", "x, axis", "log(softmax(x)), exact", [](C c) { return log_softmax(c[0], int(c.axes[0])); }},
      {"random_uniform", "", "random numbers in [0, 1), one per element of x, new in every step; each call has its own",
       [](C c) {
         if (!c.like) throw Error("random numbers are for layers");
         return c.scope.random_uniform(c.like.shape(), c.stream.c_str());
       }},
  };
  return all;
}

/// An operator between two operands; a larger level binds more tightly.
struct Operator {
  int level;
  Function function;
};
inline constexpr int not_level = 3, comparison_level = 4, sign_level = 7, power_level = 8;  // a power groups to the right
inline const std::vector<Operator>& operators() {
  using C = const Call&;
  static const std::vector<Operator> all = {
      {1, {"or", "condition, condition", "either condition holds", [](C c) { return logical_or(c[0], c[1]); }}},
      {2, {"and", "condition, condition", "both conditions hold", [](C c) { return logical_and(c[0], c[1]); }}},
      {comparison_level, {"<", "x, y", "less", [](C c) { return c[0] < c[1]; }}},
      {comparison_level, {"<=", "x, y", "less or equal", [](C c) { return c[0] <= c[1]; }}},
      {comparison_level, {">", "x, y", "greater", [](C c) { return c[0] > c[1]; }}},
      {comparison_level, {">=", "x, y", "greater or equal", [](C c) { return c[0] >= c[1]; }}},
      {comparison_level, {"==", "x, y", "equal", [](C c) { return equal(c[0], c[1]); }}},
      {comparison_level, {"!=", "x, y", "not equal", [](C c) { return not_equal(c[0], c[1]); }}},
      {5, {"+", "x, y", "sum", [](C c) { return c[0] + c[1]; }}},
      {5, {"-", "x, y", "difference", [](C c) { return c[0] - c[1]; }}},
      {6, {"*", "x, y", "product", [](C c) { return c[0] * c[1]; }}},
      {6, {"/", "x, y", "quotient", [](C c) { return c[0] / c[1]; }}},
      {power_level, {"^", "x, y", "power", [](C c) { return pow(c[0], c[1]); }}},
  };
  return all;
}
/// The operators before one operand.
inline const Function negation{"-", "x", "the other sign", [](const Call& c) { return -c[0]; }};
inline const Function contrary{"not", "condition", "the condition does not hold", [](const Call& c) { return logical_not(c[0]); }};

struct Constant {
  const char *name, *doc;
  double value;
};
inline constexpr Constant constants[] = {{"pi", "π", std::numbers::pi}, {"e", "base of the natural logarithm", std::numbers::e}};
inline constexpr size_t longest_text = 8192, deepest_nesting = 128;  // bytes; parentheses, calls and operands within each other

}  // namespace lamina::expression
