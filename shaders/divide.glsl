// Division of numbers below 2³¹ by one that the host knows: integer division is slow on GPUs and a loop over lanes on CPUs.
// Source: Granlund & Montgomery, PLDI 1994: n / by = ⌊n · factor / 2^(31 + shift)⌋ with factor = ⌈2^(31 + shift) / by⌉, shift = ⌈log2 by⌉.
struct Divisor {
  uint by, factor, shift;
};

uint divide(uint n, Divisor d) {
  uint high, low;
  umulExtended(n << 1, d.factor, high, low);
  return high >> d.shift;
}
// The innermost digit of a mixed-radix number, which is left with the others.
uint take_digit(inout uint number, Divisor d) {
  const uint rest = divide(number, d), digit = number - rest * d.by;
  number = rest;
  return digit;
}

uvec4 divide(uvec4 n, Divisor d) {
  uvec4 high, low;
  umulExtended(n << 1, uvec4(d.factor), high, low);
  return high >> d.shift;
}
uvec4 take_digit(inout uvec4 number, Divisor d) {
  const uvec4 rest = divide(number, d), digit = number - rest * d.by;
  number = rest;
  return digit;
}
