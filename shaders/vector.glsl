// WIDTH neighbouring elements (1, 2 or 4) as one value: Real, Whole, Word, Flag of float, int, uint, bool.
#if WIDTH == 4
#define Real vec4
#define Whole ivec4
#define Word uvec4
#define Flag bvec4
#elif WIDTH == 2
#define Real vec2
#define Whole ivec2
#define Word uvec2
#define Flag bvec2
#else
#define Real float
#define Whole int
#define Word uint
#define Flag bool
#endif

#if WIDTH == 1
Flag above(Real a, Real b) { return a > b; }
Flag above(Word a, Word b) { return a > b; }
Flag at_least(Real a, Real b) { return a >= b; }
Flag same(Real a, Real b) { return a == b; }
Flag same(Whole a, Whole b) { return a == b; }
Flag same(Word a, Word b) { return a == b; }
Flag same(Flag a, Flag b) { return a == b; }
Flag both(Flag a, Flag b) { return a && b; }
Flag either(Flag a, Flag b) { return a || b; }
Flag opposite(Flag a) { return !a; }
bool any_of(Flag a) { return a; }
#else
Flag above(Real a, Real b) { return greaterThan(a, b); }
Flag above(Word a, Word b) { return greaterThan(a, b); }
Flag at_least(Real a, Real b) { return greaterThanEqual(a, b); }
Flag same(Real a, Real b) { return equal(a, b); }
Flag same(Whole a, Whole b) { return equal(a, b); }
Flag same(Word a, Word b) { return equal(a, b); }
Flag same(Flag a, Flag b) { return equal(a, b); }
Flag both(Flag a, Flag b) { return mix(Flag(false), b, a); }
Flag either(Flag a, Flag b) { return mix(b, Flag(true), a); }
Flag opposite(Flag a) { return not(a); }
bool any_of(Flag a) { return any(a); }
#endif
// By its bits: a driver may take comparisons of NaN for false.
Flag is_nan(Real v) { return above(floatBitsToUint(v) & 0x7fffffffu, Word(0x7f800000u)); }
