// Functions of one real number: polynomials of our own, as drivers differ in what theirs are worth. NaN gives NaN.
// Source of exp_ and log_: Moshier, Cephes Math Library, expf.c and logf.c; below 2 ulp.

bool is_not_a_number(float x) { return (floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u; }

float exp_(float x) {
  const float inside = x > 89.0 ? 89.0 : x < -104.0 ? -104.0 : x;
  const float n = roundEven(inside * 1.44269504);
  float r = fma(n, -0.693359375, inside);
  r = fma(n, 2.12194440e-4, r);
  float p = 1.9875691500e-4;
  p = fma(p, r, 1.3981999507e-3);
  p = fma(p, r, 8.3334519073e-3);
  p = fma(p, r, 4.1665795894e-2);
  p = fma(p, r, 1.6666665459e-1);
  p = fma(p, r, 5.0000001201e-1);
  p = fma(p, r, 1.0);
  p = fma(p, r, 1.0);
  const int k = is_not_a_number(x) ? 0 : int(n), halved = k >> 1;  // in two steps, for results at the ends of the range
  return p * uintBitsToFloat(uint(halved + 127) << 23) * uintBitsToFloat(uint(k - halved + 127) << 23);
}

float log_(float x) {
  const bool small = x < 1.17549435e-38;
  const uint b = floatBitsToUint(small ? x * 8388608.0 : x);
  const int exponent = int(b - 0x3f3504f3u) >> 23;  // the mantissa is in [√½, √2)
  const float f = uintBitsToFloat(b - (uint(exponent) << 23)) - 1.0, z = f * f;
  float p = 7.0376836292e-2;
  p = fma(p, f, -1.1514610310e-1);
  p = fma(p, f, 1.1676998740e-1);
  p = fma(p, f, -1.2420140846e-1);
  p = fma(p, f, 1.4249322787e-1);
  p = fma(p, f, -1.6668057665e-1);
  p = fma(p, f, 2.0000714765e-1);
  p = fma(p, f, -2.4999993993e-1);
  p = fma(p, f, 3.3333331174e-1);
  const float n = float(exponent) - (small ? 23.0 : 0.0);
  float r = f * z * p;
  r = fma(n, -2.12194440e-4, r);
  r = fma(z, -0.5, r);
  r = fma(n, 0.693359375, f + r);
  if (is_not_a_number(x) || x > 3.40282347e38) return x;
  return x == 0.0 ? uintBitsToFloat(0xff800000u) : x < 0.0 ? uintBitsToFloat(0x7fc00000u) : r;
}
