/// The legal values of a parameter as one text, whose spelling the compiler checks.
#pragma once

namespace lamina {

/// An interval "[0, 1)", "(0, inf)", "[1, 64]" (for lists: of each element), or a choice of words "same | valid".
struct Domain {
  consteval Domain(const char* text) : text(text) {
    if (*text == '[' || *text == '(') {
      const char* p = skip_number(text + 1);
      if (p[0] != ',' || p[1] != ' ') throw "an interval is written [low, high), with inf for no bound";
      p = skip_number(p + 2);
      if ((*p != ']' && *p != ')') || p[1]) throw "an interval ends with ] or ), and nothing follows";
      return;
    }
    const char* p = skip_word(text);
    while (p[0] == ' ' && p[1] == '|' && p[2] == ' ') p = skip_word(p + 3);
    if (*p) throw "a choice is written word | word | word, in lower case";
  }
  const char* text;

 private:
  static consteval bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static consteval const char* skip_number(const char* p) {
    if (*p == '-') ++p;
    if (p[0] == 'i' && p[1] == 'n' && p[2] == 'f') return p + 3;
    if (!is_digit(*p)) throw "a bound is a number, inf or -inf";
    while (is_digit(*p) || *p == '.' || *p == 'e' || (*p == '-' && p[-1] == 'e')) ++p;
    return p;
  }
  static consteval const char* skip_word(const char* p) {
    if (*p < 'a' || *p > 'z') throw "a choice is written word | word | word, in lower case";
    while ((*p >= 'a' && *p <= 'z') || is_digit(*p) || *p == '_') ++p;
    return p;
  }
};

}  // namespace lamina
