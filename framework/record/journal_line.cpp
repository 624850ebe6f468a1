#include "record/journal_line.hpp"

#include <charconv>
#include <cmath>
#include <limits>

namespace lamina {
namespace {

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > 256 || name == ".") return false;
  for (unsigned char c : name)
    if (c < 0x20 || c == 0x7f || c == '"' || c == '\\' || c == '/') return false;
  return true;
}

void put_name(std::string_view name, std::string& line) {
  if (!is_name(name)) throw JournalError("\"" + std::string(name) + "\" cannot be the name of a journal's column or kind.");
  line += '"', line += name, line += '"';
}

void put(double value, std::string& line) {
  if (!std::isfinite(value)) {
    line += std::isnan(value) ? "\"nan\"" : value > 0 ? "\"inf\"" : "\"-inf\"";
    return;
  }
  char text[40];
  const std::string_view digits(text, size_t(std::to_chars(text, text + sizeof text, value).ptr - text));
  line += digits;
  if (digits.find_first_of(".e") == digits.npos) line += ".0";  // so that it reads back as a double
}

void put(int64_t value, std::string& line) {
  char text[24];
  line.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

/// What is left of a line; every function takes something off its front, or says no.
struct Text {
  std::string_view rest;

  bool take(char c) {
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  bool name(std::string_view& out) {
    if (!take('"')) return false;
    const size_t end = rest.find('"');
    if (end == rest.npos) return false;
    out = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return is_name(out);
  }
  bool value(JournalValue& out) {
    std::string_view text;
    if (!rest.empty() && rest.front() == '"') {
      if (!name(text)) return false;
      const double infinity = std::numeric_limits<double>::infinity();
      if (text == "nan") return out = std::numeric_limits<double>::quiet_NaN(), true;
      if (text == "inf") return out = infinity, true;
      if (text == "-inf") return out = -infinity, true;
      return false;
    }
    text = rest.substr(0, rest.find_first_not_of("+-.0123456789e"));
    const char *begin = text.data(), *end = begin + text.size();
    rest.remove_prefix(text.size());
    const std::string_view unsigned_text = text.substr(text.starts_with('-'));
    if (unsigned_text.empty() || unsigned_text.front() < '0' || unsigned_text.front() > '9') return false;
    if (text.find_first_of(".e") == text.npos) {
      int64_t integer = 0;
      const auto [last, error] = std::from_chars(begin, end, integer);
      return out = integer, error == std::errc() && last == end;
    }
    double real = 0;
    const auto [last, error] = std::from_chars(begin, end, real);
    return out = real, error == std::errc() && last == end;
  }
};

}  // namespace

void format_line(const Row& row, std::string& line) {
  line += "{\"kind\":";
  put_name(row.kind, line);
  for (const auto& [name, value] : row.columns) {
    line += ',';
    put_name(name, line);
    line += ':';
    std::visit([&](auto number) { put(number, line); }, value);
  }
  line += "}\n";
}

std::string parse_line(std::string_view line, Row& row) {
  constexpr std::string_view start = "{\"kind\":";
  if (!line.starts_with(start)) return "it does not begin with {\"kind\":";
  Text text{line.substr(start.size())};
  std::string_view name;
  if (!text.name(name)) return "its kind is no name";
  row.kind = name;
  size_t count = 0;
  while (text.take(',')) {
    if (!text.name(name) || !text.take(':')) return "column " + std::to_string(count + 1) + " has no name";
    if (row.columns.size() <= count) row.columns.emplace_back();
    row.columns[count].first = name;
    if (!text.value(row.columns[count].second)) return "the column \"" + std::string(name) + "\" has no number";
    ++count;
  }
  row.columns.resize(count);
  if (!text.take('}') || !text.rest.empty()) return "it does not end with }";
  return "";
}

}  // namespace lamina
