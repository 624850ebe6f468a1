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
