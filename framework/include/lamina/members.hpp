/// What `declare` is told of a parameter, the types that its member may have beside numbers, texts and lists of the language, and what to
/// say when a name is misspelt.
#pragma once
#include <algorithm>
#include <span>
#include <utility>

#include "tensor.hpp"

namespace lamina {

/// The legal values as one text, whose spelling the compiler checks: an interval "[0, 1)", "(0, inf)", "[1, 64]" (for lists: of each
/// element), or a choice of words "same | valid".
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

/// A number that may change from step to step (a rate, a decay): symbolic in the formula, float64 on the host, no new plan when it changes.
struct Scalar {
  Scalar(double value) : value(value) {}
  operator Tensor() const { return bound ? bound : Tensor(value); }
  double value;
  Tensor bound;
};

/// A list with one entry per axis (or channel, …), given as a list or as one number for all.
template <class T>
struct Each {
  Each() = default;
  Each(T one) : values{one} {}
  Each(std::vector<T> values) : values(std::move(values)) {}
  /// The list written out for `count` axes; Error when it has another number of entries.
  std::vector<T> at(int64_t count) const {
    if (values.size() == 1) return std::vector<T>(size_t(count), values[0]);
    if (int64_t(values.size()) == count) return values;
    throw Error(describe("\"", name, "\" has ", values.size(), " entries; wanted ", count, ", or one number for all"), name);
  }
  std::vector<T> values;
  const char* name = "";
};
template <class T>
inline constexpr bool is_each = false;
template <class T>
inline constexpr bool is_each<Each<T>> = true;
template <class T>
inline constexpr bool is_each<std::optional<Each<T>>> = true;
using PerAxis = Each<int64_t>;
using PerChannel = Each<double>;

/// Places around the spatial axes of what a window runs over: a number for all sides, a list with one per axis or with [low, high] per
/// axis, or a word. "same": ⌈size / stride⌉ results, an odd place at the high end; "same_lower": at the low end; "valid": none.
struct Padding {
  Padding(int64_t places = 0) : code{places} {}
  struct Sides {
    Shape low, high;
  };
  bool is_same() const { return code[0] == LAMINA_PAD_SAME || code[0] == LAMINA_PAD_SAME_LOWER; }
  /// The places below and above each axis; all lists have one entry per spatial axis. Error when its own has another number of them.
  Sides at(const Shape& size, const Shape& window, const Shape& stride, const Shape& dilation) const {
    const size_t axes = size.size();
    Sides sides{Shape(axes), Shape(axes)};
    if (is_same()) {
      for (size_t i = 0; i < axes; ++i) {
        const int64_t results = (size[i] - 1) / stride[i] + 1, reach = (window[i] - 1) * dilation[i] + 1;
        const int64_t places = std::max<int64_t>(0, (results - 1) * stride[i] + reach - size[i]), fewer = places / 2;
        sides.low[i] = code[0] == LAMINA_PAD_SAME ? fewer : places - fewer, sides.high[i] = places - sides.low[i];
      }
      return sides;
    }
    const bool pairs = code[0] == LAMINA_PAD_SIDES;
    const size_t given = pairs ? (code.size() - 1) / 2 : code.size();
    if (given != axes && (pairs || given != 1))
      throw Error(describe("\"", name, "\" has ", given, " entries; wanted ", axes, ", one number for all, or a word"), name);
    for (size_t i = 0; i < axes; ++i) {
      sides.low[i] = pairs ? code[1 + 2 * i] : code[given == 1 ? 0 : i];
      sides.high[i] = pairs ? code[2 + 2 * i] : sides.low[i];
    }
    return sides;
  }
  Shape code;  ///< as LAMINA_PADDING says
  const char* name = "";
};

/// A text that names a file or folder. The host hands it over absolute: a relative one is seen from the experiment's folder.
struct Path {
  std::string text;
};

/// What a parameter is measured in; for documents only.
struct Unit {
  explicit constexpr Unit(const char* text) : text(text) {}
  const char* text;
};

/// A setting that is an object with keys of the user's choosing, in the order of the file: {"beta": {"initial": 1.5}, "gamma": 2}.
/// T is a struct with a `declare` of its own, which says what stands under each name; a plain value stands for what it declares first.
/// Its members are bool, int64_t, double, Scalar, std::string or Path, each required or with a default.
template <class T>
struct Named {
  std::vector<std::pair<std::string, T>> entries;
  auto begin() const { return entries.begin(); }
  auto end() const { return entries.end(); }
};

/// The name nearest to `word` by edit distance (insert, delete, replace, swap of neighbours: Damerau 1964, each part edited once), the
/// first of equals; "" when none is near, that is within a third of the longer length and at least one edit.
inline std::string nearest(const std::string& word, std::span<const std::string> names) {
  constexpr size_t longest = 128;  // names from hostile files may be long and many: beyond this length nobody has misspelt anything
  std::string best;
  size_t best_distance = 0;
  std::vector<size_t> before, above, row;
  for (const std::string& name : names) {
    if (word.size() > longest || name.size() > longest) continue;
    const size_t length = std::max(word.size(), name.size()), allowed = std::max<size_t>(1, length / 3);
    if (length - std::min(word.size(), name.size()) > allowed) continue;
    before.assign(name.size() + 1, 0), above.resize(name.size() + 1), row.resize(name.size() + 1);
    for (size_t j = 0; j <= name.size(); ++j) above[j] = j;
    for (size_t i = 1; i <= word.size(); ++i) {
      row[0] = i;
      for (size_t j = 1; j <= name.size(); ++j) {
        row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (word[i - 1] != name[j - 1])});
        if (i > 1 && j > 1 && word[i - 1] == name[j - 2] && word[i - 2] == name[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
      }
      std::swap(before, above), std::swap(above, row);
    }
    const size_t distance = above[name.size()];
    // A distance as long as the name would turn any short name into any other.
    if (distance <= allowed && distance < length && (best.empty() || distance < best_distance)) best = name, best_distance = distance;
  }
  return best;
}

/// `; did you mean "x"?` for the nearest name, or "" when none is near: made to stand at the end of a message.
inline std::string did_you_mean(const std::string& word, std::span<const std::string> names) {
  const std::string name = nearest(word, names);
  return name.empty() ? "" : "; did you mean \"" + name + "\"?";
}

}  // namespace lamina
