#include "elementwise.hpp"

#include <array>
#include <unordered_map>

#include "functions.hpp"

namespace reference {
namespace {

template <class F, class T, class R>
void one(const void* const* in, void* out, int64_t n) {
  const T* a = static_cast<const T*>(in[0]);
  R* y = static_cast<R*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = R(F::of(a[i]));
}
template <class F, class T, class R>
void two(const void* const* in, void* out, int64_t n) {
  const T *a = static_cast<const T*>(in[0]), *b = static_cast<const T*>(in[1]);
  R* y = static_cast<R*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = F::of(a[i], b[i]);
}
template <class T>
void choose(const void* const* in, void* out, int64_t n) {
  const bool* where = static_cast<const bool*>(in[0]);
  const T *a = static_cast<const T*>(in[1]), *b = static_cast<const T*>(in[2]);
  T* y = static_cast<T*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = where[i] ? a[i] : b[i];
}
template <class From, class To>
void convert_all(const void* const* in, void* out, int64_t n) {
  const From* a = static_cast<const From*>(in[0]);
  To* y = static_cast<To*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = convert<To>(a[i]);
}

using ByType = std::array<Strip, 9>;  // by the number of the operand's dtype; both 16-bit types compute as float
struct Row {
  Elementwise kind;
  ByType strips;
};

/// The strips of types Ts, from Make<T>().
template <class... Ts, class Make>
ByType typed(Make make) {
  ByType strips{};
  for (uint32_t number = 1; number < strips.size(); ++number)
    with_type(lamina::DType(number), [&](auto zero) {
      using T = decltype(zero);
      if constexpr ((std::is_same_v<T, Ts> || ...)) strips[number] = make(zero);
    });
  return strips;
}
template <class F>
Row real1() {
  return {{1, Typing::same}, typed<double, float>([](auto z) -> Strip { return one<F, decltype(z), decltype(z)>; })};
}
template <class F>
Row number1() {
  return {{1, Typing::same},
          typed<double, float, int32_t, uint32_t, uint8_t>([](auto z) -> Strip { return one<F, decltype(z), decltype(z)>; })};
}
template <class F>
Row number2() {
  return {{2, Typing::same},
          typed<double, float, int32_t, uint32_t, uint8_t>([](auto z) -> Strip { return two<F, decltype(z), decltype(z)>; })};
}
template <class F>
Row any2() {
  return {{2, Typing::same},
          typed<double, float, int32_t, uint32_t, uint8_t, bool>([](auto z) -> Strip { return two<F, decltype(z), decltype(z)>; })};
}
template <class F>
Row compare() {
  return {{2, Typing::compare},
          typed<double, float, int32_t, uint32_t, uint8_t, bool>([](auto z) -> Strip { return two<F, decltype(z), bool>; })};
}
template <class F>
Row logical2() {
  return {{2, Typing::same}, typed<bool>([](auto) -> Strip { return two<F, bool, bool>; })};
}

const std::unordered_map<std::string, Row>& table() {
  static const std::unordered_map<std::string, Row> rows = {
      {"add", number2<Add>()},
      {"subtract", number2<Subtract>()},
      {"multiply", number2<Multiply>()},
      {"divide", number2<Divide>()},
      {"minimum", any2<Minimum>()},
      {"maximum", any2<Maximum>()},
      {"pow", {{2, Typing::same}, typed<double, float>([](auto z) -> Strip { return two<Pow, decltype(z), decltype(z)>; })}},
      {"equal", compare<Equal>()},
      {"not_equal", compare<NotEqual>()},
      {"less", compare<Less>()},
      {"less_equal", compare<LessEqual>()},
      {"greater", compare<Greater>()},
      {"greater_equal", compare<GreaterEqual>()},
      {"logical_and", logical2<And>()},
      {"logical_or", logical2<Or>()},
      {"logical_not", {{1, Typing::same}, typed<bool>([](auto) -> Strip { return one<Not, bool, bool>; })}},
      {"negate", number1<Negate>()},
      {"abs", number1<Abs>()},
      {"sign", number1<Sign>()},
      {"floor", number1<Floor>()},
      {"exp", real1<Exp>()},
      {"expm1", real1<Expm1>()},
      {"log", real1<Log>()},
      {"log1p", real1<Log1p>()},
      {"sqrt", real1<Sqrt>()},
      {"rsqrt", real1<Rsqrt>()},
      {"tanh", real1<Tanh>()},
      {"sigmoid", real1<Sigmoid>()},
      {"softplus", real1<Softplus>()},
      {"erf", real1<Erf>()},
      {"sin", real1<Sin>()},
      {"cos", real1<Cos>()},
      {"shift_right", {{1, Typing::same}, typed<uint32_t>([](auto) -> Strip { return two<ShiftRight, uint32_t, uint32_t>; })}},
      {"select",
       {{3, Typing::select}, typed<double, float, int32_t, uint32_t, uint8_t, bool>([](auto z) -> Strip { return choose<decltype(z)>; })}},
      {"cast", {{1, Typing::any}, {}}},
      {"broadcast", {{1, Typing::any}, {}}},
      {"stop_gradient", {{1, Typing::any}, {}}}};
  return rows;
}

}  // namespace

const Elementwise* find_elementwise(const std::string& op) {
  const auto row = table().find(op);
  return row == table().end() ? nullptr : &row->second.kind;
}

Strip find_strip(const std::string& op, lamina::DType operand, lamina::DType result) {
  const auto row = table().find(op);
  if (row == table().end() || uint32_t(operand) >= ByType().size()) return nullptr;
  if (row->second.kind.typing != Typing::any) return row->second.strips[uint32_t(operand)];
  Strip strip = nullptr;
  with_type(operand, [&](auto from) { with_type(result, [&](auto to) { strip = convert_all<decltype(from), decltype(to)>; }); });
  return strip;
}

}  // namespace reference
