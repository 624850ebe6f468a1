/// The functions behind the elementwise ops, on one element each. NaN propagates through minimum and maximum, whose ties are the first
/// operand's.
#pragma once
#include "numbers.hpp"

namespace reference {

template <class T>
inline constexpr bool integral = std::is_integral_v<T>;
template <class T>
bool is_nan(T v) {
  return v != v;
}

// Integers wrap: they are computed as uint32 and cut. Functions of reals are computed in double and rounded once.
struct Add {
  template <class T>
  static T of(T a, T b) {
    if constexpr (integral<T>)
      return T(uint32_t(a) + uint32_t(b));
    else
      return a + b;
  }
};
struct Subtract {
  template <class T>
  static T of(T a, T b) {
    if constexpr (integral<T>)
      return T(uint32_t(a) - uint32_t(b));
    else
      return a - b;
  }
};
struct Multiply {
  template <class T>
  static T of(T a, T b) {
    if constexpr (integral<T>)
      return T(uint32_t(a) * uint32_t(b));
    else
      return a * b;
  }
};
struct Divide {
  template <class T>
  static T of(T a, T b) {
    if constexpr (integral<T>)
      return b ? T(int64_t(a) / int64_t(b)) : T(0);
    else
      return a / b;
  }
};
struct Minimum {
  template <class T>
  static T of(T a, T b) {
    return is_nan(a) || a <= b ? a : b;
  }
};
struct Maximum {
  template <class T>
  static T of(T a, T b) {
    return is_nan(a) || a >= b ? a : b;
  }
};
struct Pow {
  template <class T>
  static T of(T a, T b) {
    return T(std::pow(double(a), double(b)));
  }
};
struct ShiftRight {
  static uint32_t of(uint32_t a, uint32_t bits) { return bits < 32 ? a >> bits : 0; }
};
struct Equal {
  template <class T>
  static bool of(T a, T b) {
    return a == b;
  }
};
struct NotEqual {
  template <class T>
  static bool of(T a, T b) {
    return a != b;
  }
};
struct Less {
  template <class T>
  static bool of(T a, T b) {
    return a < b;
  }
};
struct LessEqual {
  template <class T>
  static bool of(T a, T b) {
    return a <= b;
  }
};
struct Greater {
  template <class T>
  static bool of(T a, T b) {
    return a > b;
  }
};
struct GreaterEqual {
  template <class T>
  static bool of(T a, T b) {
    return a >= b;
  }
};
struct And {
  static bool of(bool a, bool b) { return a && b; }
};
struct Or {
  static bool of(bool a, bool b) { return a || b; }
};
struct Not {
  static bool of(bool a) { return !a; }
};

struct Negate {
  template <class T>
  static T of(T a) {
    if constexpr (integral<T>)
      return T(0u - uint32_t(a));
    else
      return -a;
  }
};
struct Abs {
  template <class T>
  static T of(T a) {
    if constexpr (integral<T>)
      return a < T(0) ? Negate::of(a) : a;
    else
      return std::fabs(a);
  }
};
struct Sign {
  template <class T>
  static T of(T a) {
    return is_nan(a) ? a : T((a > T(0)) - (a < T(0)));
  }
};
struct Floor {
  template <class T>
  static T of(T a) {
    if constexpr (integral<T>)
      return a;
    else
      return std::floor(a);
  }
};
struct Exp {
  static double of(double a) { return std::exp(a); }
};
struct Expm1 {
  static double of(double a) { return std::expm1(a); }
};
struct Log {
  static double of(double a) { return std::log(a); }
};
struct Log1p {
  static double of(double a) { return std::log1p(a); }
};
struct Sqrt {
  static double of(double a) { return std::sqrt(a); }
};
struct Rsqrt {
  static double of(double a) { return 1 / std::sqrt(a); }
};
struct Tanh {
  static double of(double a) { return std::tanh(a); }
};
struct Erf {
  static double of(double a) { return std::erf(a); }
};
struct Sin {
  static double of(double a) { return std::sin(a); }
};
struct Cos {
  static double of(double a) { return std::cos(a); }
};
struct Sigmoid {
  static double of(double a) {
    const double e = std::exp(-std::fabs(a));  // never overflows
    return (a >= 0 ? 1 : e) / (1 + e);
  }
};
struct Softplus {
  static double of(double a) { return is_nan(a) ? a : std::max(a, 0.0) + std::log1p(std::exp(-std::fabs(a))); }
};

}  // namespace reference
