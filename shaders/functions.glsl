// The elementwise functions of the op list for WIDTH elements at a time (vector.glsl), with the op list's rules for NaN, ties, integers and
// casts. GLSL leaves exp, log, sin, tanh and pow to the driver, with errors that grow with the argument, and lets it take NaN for a number;
// so they are computed here, within about 2 units in the last place. Where a step must be exact it is `precise`, which binds operators but
// not fma(). Polynomials of exp, log, tanh, sin and cos after Cephes (Moshier).
#include "vector.glsl"

#define INFINITY uintBitsToFloat(0x7f800000u)
#define NOT_A_NUMBER uintBitsToFloat(0x7fc00000u)

Real with_sign(Real size, Real sign) {
  return uintBitsToFloat((floatBitsToUint(size) & 0x7fffffffu) | (floatBitsToUint(sign) & 0x80000000u));
}

Real minimum_of(Real a, Real b) { return mix(b, a, either(is_nan(a), at_least(b, a))); }
Whole minimum_of(Whole a, Whole b) { return min(a, b); }
Word minimum_of(Word a, Word b) { return min(a, b); }
Flag minimum_of(Flag a, Flag b) { return both(a, b); }
Real maximum_of(Real a, Real b) { return mix(b, a, either(is_nan(a), at_least(a, b))); }
Whole maximum_of(Whole a, Whole b) { return max(a, b); }
Word maximum_of(Word a, Word b) { return max(a, b); }
Flag maximum_of(Flag a, Flag b) { return either(a, b); }

Real quotient_of(Real a, Real b) { return a / b; }
Whole quotient_of(Whole a, Whole b) {  // the largest negative number by −1 wraps, anything by 0 is 0
  const Flag zero = same(b, Whole(0)), negates = same(b, Whole(-1));
  return mix(mix(a / mix(b, Whole(1), either(zero, negates)), -a, negates), Whole(0), zero);
}
Word quotient_of(Word a, Word b) {
  const Flag zero = same(b, Word(0));
  return mix(a / mix(b, Word(1), zero), Word(0), zero);
}

Real sign_of(Real x) { return mix(mix(x, Real(-1), above(Real(0), x)), Real(1), above(x, Real(0))); }
Whole sign_of(Whole x) { return sign(x); }
Word sign_of(Word x) { return min(x, Word(1)); }
Real abs_of(Real x) { return abs(x); }
Whole abs_of(Whole x) { return abs(x); }
Word abs_of(Word x) { return x; }
Real floor_of(Real x) { return floor(x); }
Whole floor_of(Whole x) { return x; }
Word floor_of(Word x) { return x; }

Whole to_whole(Real x) {
  const Whole cut = Whole(mix(Real(0), x, above(Real(2147483648.0), abs(x))));
  return mix(mix(cut, Whole(0x7fffffff), above(x, Real(2147483520.0))), Whole(-0x7fffffff - 1), above(Real(-2147483520.0), x));
}
Word to_word(Real x) {
  const Word cut = Word(mix(Real(0), x, both(above(x, Real(0)), above(Real(4294967296.0), x))));
  return mix(cut, Word(0xffffffffu), above(x, Real(4294967040.0)));
}
Word to_byte(Real x) { return min(to_word(x), Word(255)); }

// Factors of 2^n are put in by two steps: for overflow, and for results below the smallest normal number.
Real times_power(Real x, Whole n) {
  const Whole first = n >> 1;
  return x * intBitsToFloat((first + 127) << 23) * intBitsToFloat((n - first + 127) << 23);
}
Real exp_of(Real x) {
  const Real within = clamp(x, Real(-104.0), Real(89.0)), n = roundEven(within * 1.44269504);
  precise Real r = within - n * 0.693359375;  // exact
  r = r + n * 2.12194440e-4;
  Real p = Real(1.9875691500e-4);
  p = fma(p, r, Real(1.3981999507e-3));
  p = fma(p, r, Real(8.3334519073e-3));
  p = fma(p, r, Real(4.1665795894e-2));
  p = fma(p, r, Real(1.6666665459e-1));
  p = fma(p, r, Real(5.0000001201e-1));
  p = fma(p, r, Real(1.0));
  p = fma(p, r, Real(1.0));
  return mix(times_power(p, Whole(n)), x, is_nan(x));
}
Real expm1_of(Real x) {
  Real p = Real(1.0 / 40320);
  p = fma(p, x, Real(1.0 / 5040));
  p = fma(p, x, Real(1.0 / 720));
  p = fma(p, x, Real(1.0 / 120));
  p = fma(p, x, Real(1.0 / 24));
  p = fma(p, x, Real(1.0 / 6));
  p = fma(p, x, Real(0.5));
  return mix(exp_of(x) - 1.0, fma(x * x, p, x), above(Real(0.5), abs(x)));
}

// x = mantissa · 2^exponent with the mantissa in [√½, √2), for normal positive x; below, the exponent counts from 2^-23 of x.
Real mantissa_of(Real x, out Real exponent) {
  const Flag tiny = above(Real(1.17549435e-38), x);
  const Word bits = floatBitsToUint(mix(x, x * 8388608.0, tiny));
  const Whole n = Whole(bits - 0x3f3504f3u) >> 23;
  exponent = Real(n) - mix(Real(0), Real(23), tiny);
  return uintBitsToFloat(bits - (Word(n) << 23));
}
Real log_of(Real x) {
  Real n;
  const Real f = mantissa_of(x, n) - 1.0, z = f * f;
  Real p = Real(7.0376836292e-2);
  p = fma(p, f, Real(-1.1514610310e-1));
  p = fma(p, f, Real(1.1676998740e-1));
  p = fma(p, f, Real(-1.2420140846e-1));
  p = fma(p, f, Real(1.4249322787e-1));
  p = fma(p, f, Real(-1.6668057665e-1));
  p = fma(p, f, Real(2.0000714765e-1));
  p = fma(p, f, Real(-2.4999993993e-1));
  p = fma(p, f, Real(3.3333331174e-1));
  Real r = f * z * p - n * 2.12194440e-4 - z * 0.5;
  r = f + r + n * 0.693359375;
  r = mix(r, x, opposite(above(Real(INFINITY), x)));  // infinity and NaN
  r = mix(r, Real(-INFINITY), same(x, Real(0)));
  return mix(r, Real(NOT_A_NUMBER), above(Real(0), x));
}
Real log1p_of(Real x) {
  precise Real u = 1.0 + x;
  precise Real lost = x - (u - 1.0);
  return log_of(u) + mix(lost / u, Real(0), either(same(u, Real(0)), above(x, Real(1e7))));
}

Real rsqrt_of(Real x) { return 1.0 / sqrt(x); }
Real tanh_of(Real x) {
  const Real a = abs(x), z = x * x;
  Real p = Real(-5.70498872745e-3);
  p = fma(p, z, Real(2.06390887954e-2));
  p = fma(p, z, Real(-5.37397155531e-2));
  p = fma(p, z, Real(1.33314422036e-1));
  p = fma(p, z, Real(-3.33332819422e-1));
  const Real far = with_sign(1.0 - 2.0 / (exp_of(a + a) + 1.0), x);
  return mix(mix(far, fma(p * z, x, x), above(Real(0.625), a)), x, is_nan(x));
}
Real sigmoid_of(Real x) {
  const Real e = exp_of(-abs(x)), r = 1.0 / (1.0 + e);
  return mix(r, e * r, above(Real(0), x));
}
Real softplus_of(Real x) { return mix(Real(0), x, above(x, Real(0))) + log1p_of(exp_of(-abs(x))); }

// erf(x) / x as a polynomial of x², interpolated at Chebyshev nodes; from 4 on it is 1.
Real erf_of(Real x) {
  const Real a = min(abs(x), Real(4)), t = a * a * 0.125 - 1.0;
  Real p = Real(9.403811207831543e-05);
  p = fma(p, t, Real(-0.0002464220216145469));
  p = fma(p, t, Real(0.00017322975202803615));
  p = fma(p, t, Real(-0.00032551960119139725));
  p = fma(p, t, Real(0.001410152405972105));
  p = fma(p, t, Real(-0.002909712994611062));
  p = fma(p, t, Real(0.004774946745155113));
  p = fma(p, t, Real(-0.008384044245920113));
  p = fma(p, t, Real(0.014381038408669007));
  p = fma(p, t, Real(-0.022562558307279507));
  p = fma(p, t, Real(0.033053291824927916));
  p = fma(p, t, Real(-0.045744312670465755));
  p = fma(p, t, Real(0.05988782955462055));
  p = fma(p, t, Real(-0.07473048679812241));
  p = fma(p, t, Real(0.09020894134599303));
  p = fma(p, t, Real(-0.10771029288626553));
  p = fma(p, t, Real(0.1316751177756913));
  p = fma(p, t, Real(-0.1765762358003989));
  p = fma(p, t, Real(0.35353099564340573));
  return mix(with_sign(mix(Real(1), a * p, above(Real(4), a)), x), x, is_nan(x));
}

// x = n · π/2 + what is given back, within ±π/4. Up to 8192 by parts of π/2 that are short enough for exact products.
Real quarter_turns_near(Real x, out Whole n) {
  const Real turns = roundEven(clamp(x, Real(-8192), Real(8192)) * 0.636619772);
  n = Whole(turns);
  precise Real r = x - turns * 1.5703125 - turns * 4.837512969970703125e-4;  // exact
  r = r - turns * 7.54978995489188216e-8;
  return r;
}
// Beyond, by as many bits of 2/π as matter. Source: Payne & Hanek, SIGNUM Newsletter 18, 1983.
Word turn_bits(Word from, Word number) {  // word from + number of 2/π, with 32 zeros before the point's bits
  const Word i = from + number;
  Word w = mix(Word(0), Word(0xA2F9836Eu), same(i, Word(1)));
  w = mix(w, Word(0x4E441529u), same(i, Word(2)));
  w = mix(w, Word(0xFC2757D1u), same(i, Word(3)));
  w = mix(w, Word(0xF534DDC0u), same(i, Word(4)));
  w = mix(w, Word(0xDB629599u), same(i, Word(5)));
  w = mix(w, Word(0x3C439041u), same(i, Word(6)));
  return mix(w, Word(0xFE5163ABu), same(i, Word(7)));
}
Real quarter_turns_far(Real x, out Whole n) {
  const Word bits = floatBitsToUint(x), mantissa = (bits & 0x7fffffu) | 0x800000u;
  const Word begin = ((bits >> 23) & 255u) - 120u;  // x = mantissa · 2^(begin − 30): the first bit that moves x · 2/π by less than 4
  const Word at = begin >> 5, shift = begin & 31u;
  const Word w0 = turn_bits(at, Word(0)), w1 = turn_bits(at, Word(1)), w2 = turn_bits(at, Word(2));
  const Flag even = same(shift, Word(0));
  const Word high = mix((w0 << shift) | (w1 >> ((32u - shift) & 31u)), w0, even), low = mix((w1 << shift) | (w2 >> ((32u - shift) & 31u)), w1, even);
  Word carried, rest;
  umulExtended(mantissa, low, carried, rest);
  const Word quarter = mantissa * high + carried;  // x · 2/π mod 4, in units of 2^-30
  n = Whole((quarter + 0x20000000u) >> 30);
  const Real r = Real(Whole(quarter - (Word(n) << 30))) * 1.46291807926715968e-9;  // π/2 · 2^-30
  const Flag negative = above(Real(0), x);
  n = mix(n, -n, negative);
  return mix(r, -r, negative);
}
Flag is_far(Real x) { return above(abs(x), Real(8192)); }
Real quarter_turns(Real x, out Whole n) {
  const Real near = quarter_turns_near(x, n);
  if (!any_of(is_far(x))) return near;
  Whole turns;
  const Real far = quarter_turns_far(x, turns);
  n = mix(n, turns, is_far(x));
  return mix(near, far, is_far(x));
}
Real sine_of(Real x, int ahead) {  // of x + ahead · π/2
  Whole n;
  const Real r = quarter_turns(x, n), z = r * r;
  n += ahead;
  Real s = Real(-1.9515295891e-4);
  s = fma(s, z, Real(8.3321608736e-3));
  s = fma(s, z, Real(-1.6666654611e-1));
  s = fma(s * z, r, r);
  Real c = Real(2.443315711809948e-5);
  c = fma(c, z, Real(-1.388731625493765e-3));
  c = fma(c, z, Real(4.166664568298827e-2));
  c = fma(c * z, z, fma(z, Real(-0.5), Real(1)));
  const Real y = mix(s, c, same(n & 1, Whole(1)));
  return mix(Real(NOT_A_NUMBER), mix(y, -y, same(n & 2, Whole(2))), above(Real(INFINITY), abs(x)));
}
Real sin_of(Real x) { return sine_of(x, 0); }
Real cos_of(Real x) { return sine_of(x, 1); }

// a · b − product, exactly. Source: Dekker, Numerische Mathematik 18, 1971.
Real rest_of(Real a, Real b, Real product) {
  const Real a1 = uintBitsToFloat(floatBitsToUint(a) & 0xfffff000u), b1 = uintBitsToFloat(floatBitsToUint(b) & 0xfffff000u);
  precise Real a2 = a - a1;
  precise Real b2 = b - b1;
  precise Real rest = ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2;
  return rest;
}
// |a|^b = e^(b · log |a|) with the logarithm in two parts, high + low, so that the error does not grow with the exponent.
Real pow_of(Real a, Real b) {
  Real n;
  const Real m = mantissa_of(abs(a), n);
  precise Real top = m - 1.0, bottom = m + 1.0;
  precise Real s = top / bottom;
  precise Real near = s * bottom;
  precise Real rest = ((top - near) - rest_of(s, bottom, near) - s * (m - (bottom - 1.0))) / bottom;  // of top / bottom
  const Real z = s * s;
  Real p = Real(2.0 / 11);
  p = fma(p, z, Real(2.0 / 9));
  p = fma(p, z, Real(2.0 / 7));
  p = fma(p, z, Real(2.0 / 5));
  p = fma(p, z, Real(2.0 / 3));
  precise Real whole = n * 0.693359375;  // exact
  precise Real sum = whole + 2.0 * s;
  precise Real part = sum - whole;
  precise Real small = (whole - (sum - part)) + (2.0 * s - part) + (2.0 * rest + fma(n, Real(-2.12194440e-4), s * z * p));
  precise Real high = sum + small;
  precise Real low = small - (high - sum);
  precise Real product = b * high;
  precise Real below = rest_of(b, high, product) + b * low;
  const Real within = clamp(product, Real(-200.0), Real(200.0));
  Real y = exp_of(within) * (1.0 + mix(Real(0), below, same(within, product)));

  const Real size = abs(a), reach = abs(b);
  const Flag whole_b = same(floor(b), b), odd = both(whole_b, opposite(same(floor(b * 0.5) * 2.0, b)));
  const Flag endless = same(reach, Real(INFINITY));
  const Flag vanishing = either(same(size, Real(0)), same(size, Real(INFINITY)));
  const Flag grows = same(above(size, Real(1)), above(b, Real(0)));  // of sizes that are 0 or infinite, or exponents that are infinite
  y = mix(y, mix(Real(0), Real(INFINITY), grows), either(vanishing, endless));
  y = mix(y, -y, both(both(odd, opposite(endless)), above(floatBitsToUint(a), Word(0x7fffffffu))));
  y = mix(y, Real(NOT_A_NUMBER), both(both(above(Real(0), a), opposite(same(size, Real(INFINITY)))), opposite(either(whole_b, endless))));
  y = mix(y, Real(NOT_A_NUMBER), either(is_nan(a), is_nan(b)));
  y = mix(y, Real(1), both(same(size, Real(1)), either(endless, above(a, Real(0)))));
  return mix(y, Real(1), same(b, Real(0)));
}
